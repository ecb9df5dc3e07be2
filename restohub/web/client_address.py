"""The client's address: as which address a peer counts, and whether it may connect."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from restohub.limits import ADDRESSES_MAX
from restohub.net.addresses import machine_networks

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# A machine that joins another network has its addresses within this time.
NETWORKS_KEPT_S = 10.0
# Read again before anyone is refused: a new prefix from the provider renumbers a whole house at once.
NETWORKS_DOUBTED_S = 1.0


def own_networks() -> list[Network]:
    """The networks that this machine's interfaces are in now; raises OSError."""
    return [interface.network for interface in machine_networks()]


def normalized_ip(text: str) -> Address | None:
    """An address without its interface, IPv4 where a dual-stack socket wrote it into IPv6; None where it is none."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_public(address: Address) -> bool:
    """Whether the Internet routes an address.

    Of Python's private ones Teredo (2001::/32) and 6to4 (2002::/16, from Python 3.13 on) are somebody on the Internet;
    site-local ones are private in spite of it.
    """
    if isinstance(address, IPv6Address):
        tunnelled = address.teredo is not None or address.sixtofour is not None
        return tunnelled or (address.is_global and not address.is_site_local)
    return address.is_global


# The headers by which a proxy says that it forwards a request. One that adds none of them counts as the client.
FORWARDED = frozenset((b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"cf-connecting-ip", b"true-client-ip"))


def is_own_machine(scope: Any) -> bool:
    """Whether this machine itself asks: over the loopback or from the very address it asks, and not for another."""
    client, server = scope["client"], scope["server"]
    address = normalized_ip(client[0]) if client else None
    if address is None or not (address.is_loopback or (server and address == normalized_ip(server[0]))):
        return False
    return not any(name in FORWARDED or name.startswith(b"x-forwarded") for name, _ in scope["headers"])


def is_address(text: str) -> bool:
    """Whether a text is what a peer may be counted by: an IP address, or a network for IPv6 from elsewhere."""
    try:
        ip_network(text.partition("%")[0], strict=False)
    except ValueError:
        return False
    return True


class Peers:
    """What an address is to this machine. `now` gives the seconds of a monotonic clock."""

    def __init__(
        self,
        now: Callable[[], float],
        *,
        allow_public: bool = False,
        read_networks: Callable[[], Iterable[Network]] = own_networks,
    ) -> None:
        self._now = now
        self._allow_public = allow_public
        self._read_networks = read_networks
        self._networks: tuple[Network, ...] = ()
        self._looked_at = float("-inf")
        self._keys: dict[str, str] = {}
        self._permitted: set[str] = set()

    def key(self, text: str) -> str:
        """The address by which a peer is counted: all of it on the own link, of IPv6 from elsewhere its /64.

        On the own link everybody has an address of his own in one /64; elsewhere a whole /64 is one customer's.
        """
        if self._now() - self._looked_at >= NETWORKS_KEPT_S:
            self._refresh()
        key = self._keys.get(text)
        if key is None:
            if len(self._keys) >= ADDRESSES_MAX:
                self._keys.clear()
            key = self._keys[text] = self._counted_as(text)
        return key

    def permitted(self, text: str) -> bool:
        """Whether a peer may speak to the hub: on the own link, or at an address that the Internet does not route."""
        if self._allow_public:
            return True
        if self._now() - self._looked_at >= NETWORKS_KEPT_S:
            self._refresh()
        if text in self._permitted:
            return True
        if not self._is_near(text):
            if self._now() - self._looked_at >= NETWORKS_DOUBTED_S:
                self._refresh()
            if not self._is_near(text):
                return False
        if len(self._permitted) >= ADDRESSES_MAX:
            self._permitted.clear()
        self._permitted.add(text)
        return True

    def _is_near(self, text: str) -> bool:
        address = normalized_ip(text)
        return address is None or not is_public(address) or self._on_link(address)

    def _counted_as(self, text: str) -> str:
        address = normalized_ip(text)
        if isinstance(address, IPv6Address) and not (address.is_link_local or self._on_link(address)):
            return str(IPv6Network((address, 64), strict=False))
        return text if address is None else str(address)

    def _on_link(self, address: Address) -> bool:
        return any(address in network for network in self._networks if network.version == address.version)

    def _refresh(self) -> None:
        self._looked_at = self._now()
        try:
            networks = tuple(self._read_networks())
        except OSError:  # the system does not tell them now: what was seen last stands
            return
        if networks != self._networks:
            self._networks = networks
            self._keys.clear()
            self._permitted.clear()
