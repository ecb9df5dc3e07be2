"""The URLs by which iPads reach a hub, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_address

from msgspec import Struct

from restohub.live.hub_address import Endpoint

from .addresses import EVERYWHERE, AddressChoice, Interface, choose_addresses, machine_interfaces

LOOPBACK = "127.0.0.1"
UNFOUND = "Until that changes iPads do not find the hub by themselves; these addresses work all the same."
COPY_ADVICE = (
    "Another hub, at {at}, runs on a copy of this hub's data and has its id, so iPads may take the two for one. "
    "Stop the one that is the copy, run `restohub identity new` on its machine, and start it again."
)


class HubUrls(Struct, frozen=True):
    """`urls`: by address, for iPads. `own_url`: from the hub's own machine. `reason`: what iPads cannot do, and why.

    `tls_urls` are those of TLS, `fingerprint` is the SHA-256 of its certificate; both are empty where there is none.
    """

    urls: tuple[str, ...]
    local_url: str | None
    own_url: str
    reason: str
    tls_urls: tuple[str, ...] = ()
    tls_port: int = 0
    fingerprint: str = ""

    def qr_url(self, *said: str) -> str:
        """The first address, as a QR code has it."""
        return (*self.urls, self.own_url)[0] + qr_fragment(self.tls_port, self.fingerprint, *said)


def hub_urls(
    endpoint: Endpoint, look: Callable[[], Iterable[Interface]] = machine_interfaces, host: str = ""
) -> HubUrls:
    """How iPads reach a hub, by the addresses that its machine has at this moment: those that mDNS announces.

    `host`: the name that it is announced by, where that is known not to be the usual one.
    """
    own_url = endpoint_url(endpoint, own_address(endpoint))
    secure = endpoint.tls_port, endpoint.fingerprint
    if ip_address(endpoint.bound).is_loopback:
        reason = f"No iPad can reach the hub: it listens on {endpoint.bound}, which is this machine alone."
        reason = f"{reason} Start it with `--host 0.0.0.0` to listen on the network."
        return HubUrls((), None, own_url, reason, _tls_urls(endpoint, [own_address(endpoint)]), *secure)
    try:
        found = list(look())
        chosen = choose_addresses(found, endpoint.bound, endpoint.interface)
        reached = chosen if chosen.addresses else choose_addresses(found, endpoint.bound)
    except OSError as error:
        reached = chosen = AddressChoice(
            reason=f"The system does not tell this machine's addresses ({error.strerror})."
        )
    if not reached.addresses:
        reason = f"{chosen.reason} iPads cannot reach the hub until that changes."
        return HubUrls((), None, own_url, reason, _tls_urls(endpoint, [own_address(endpoint)]), *secure)
    urls = tuple(endpoint_url(endpoint, address) for address in reached.addresses)
    tls_urls = _tls_urls(endpoint, reached.addresses)
    if reached is not chosen:
        return HubUrls(urls, None, own_url, f"{chosen.reason} {UNFOUND}", tls_urls, *secure)
    local_url = endpoint_url(endpoint, host or host_name(endpoint.id)) if endpoint.advertised else None
    return HubUrls(urls, local_url, own_url, "", tls_urls, *secure)


def endpoint_url(endpoint: Endpoint, host: str) -> str:
    """The URL of a hub at one of its names or addresses."""
    return url(host, endpoint.port, endpoint.scheme)


def _tls_urls(endpoint: Endpoint, addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple(url(one, endpoint.tls_port, "https") for one in addresses) if endpoint.tls_port else ()


def qr_fragment(tls_port: int, fingerprint: str, *said: str) -> str:
    """The fragment of a QR code's address, with what pins the hub's certificate; it is never sent, and in no log."""
    pin = (f"tls={tls_port}", f"fp={fingerprint}") if tls_port else ()
    found = "&".join((*said, *pin))
    return f"#{found}" if found else ""


def own_address(endpoint: Endpoint) -> str:
    """The address by which the hub's own machine reaches it."""
    return LOOPBACK if endpoint.bound in EVERYWHERE else endpoint.bound


def url(host: str, port: int, scheme: str = "http") -> str:
    """The URL of a host's name or address; IPv6 stands in brackets (RFC 3986, section 3.2.2)."""
    return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"


def short_id(install_id: str) -> str:
    """Six hexadecimal digits of an install id: the last ones, since a UUIDv7 begins with the time."""
    return install_id.replace("-", "")[-6:].lower()


def host_name(install_id: str) -> str:
    """The hub's name in `.local`, without the last dot: clients do not probe, so it must be unlike any other's."""
    return f"restohub-{short_id(install_id)}.local"
