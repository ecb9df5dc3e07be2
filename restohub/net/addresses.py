"""The choice of addresses: those of this machine by which an iPad on the same network reaches it."""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
)

import ifaddr
from msgspec import Struct

# Interfaces behind which there is no iPad: containers, virtual machines, tunnels, Apple's peer-to-peer Wi-Fi.
INSIDE = (
    "lo", "docker*", "br-*", "bridge*", "veth*", "virbr*", "vmnet*", "vboxnet*", "lxcbr*", "lxdbr*", "podman*", "cni*",
    "flannel*", "cali*", "tun*", "tap*", "wg*", "utun*", "ipsec*", "ppp*", "tailscale*", "zt*", "nordlynx*",
    "awdl*", "llw*", "anpi*", "vmware*", "virtualbox*", "wireguard*", "*openvpn*", "zerotier*",
)  # fmt: skip
UP, LOOPBACK, POINT_TO_POINT, RUNNING = 0x1, 0x8, 0x10, 0x40
FLAGS_REQUEST = 0xC0206911 if sys.platform == "darwin" else 0x8913  # SIOCGIFFLAGS
SHARED = IPv4Network("100.64.0.0/10")  # RFC 6598: on a hub, a VPN's (Tailscale)
UNIQUE_LOCAL = IPv6Network("fc00::/7")
EVERYWHERE = ("0.0.0.0", "::")
HostAddress = IPv4Interface | IPv6Interface


class Interface(Struct, frozen=True):
    """One interface. `names`: the system's name first. `carries`: up and with a carrier, as far as one knows."""

    names: tuple[str, ...]
    addresses: tuple[str, ...]
    carries: bool = True
    tunnel: bool = False


class AddressChoice(Struct, frozen=True):
    """What to announce, and by which addresses to speak mDNS (one an interface); else `reason` says why nothing."""

    addresses: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()
    reason: str = ""


def machine_interfaces() -> list[Interface]:
    """The interfaces of this machine as they are now; raises OSError."""
    found = []
    for adapter in ifaddr.get_adapters():
        flags = link_flags(adapter.name)
        found.append(
            Interface(
                names=tuple(dict.fromkeys((adapter.name, adapter.nice_name))),
                addresses=tuple(ip.ip if isinstance(ip.ip, str) else ip.ip[0] for ip in adapter.ips),
                carries=flags is None or flags & (UP | RUNNING) == UP | RUNNING,
                tunnel=flags is not None and bool(flags & (LOOPBACK | POINT_TO_POINT)),
            )
        )
    return found


def machine_networks() -> list[HostAddress]:
    """This machine's own addresses, each with the network that it is in; raises OSError."""
    return [
        ip_interface(f"{ip.ip if isinstance(ip.ip, str) else ip.ip[0]}/{ip.network_prefix}")
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
    ]


def link_flags(name: str) -> int | None:
    """The system's flags of an interface (netdevice(7)); None where they cannot be asked for."""
    if sys.platform == "win32":
        return None
    from fcntl import ioctl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            answer = ioctl(asking, FLAGS_REQUEST, struct.pack("16s24x", name.encode()[:15]))
        except OSError:  # it went away since it was listed
            return None
    return int(struct.unpack_from("H", answer, 16)[0])


def choose_addresses(among: Iterable[Interface], bound: str, interface: str | None = None) -> AddressChoice:
    """What to announce for a hub that listens on the address `bound`, on one interface only where one is named."""
    known = links_now = list(among)
    if interface is not None:
        known = [link for link in known if interface in link.names]
        if not known:
            return AddressChoice(
                reason=f"There is no interface {interface!r} with an address now. {_there_are(links_now)}"
            )
    else:
        known = [link for link in known if not (link.tunnel or _inside(link))]
    addresses: dict[str, None] = {}
    speakers: list[str] = []
    for link in known:
        reached = [a for a in _reached(link) if a == bound or _everywhere(bound, a)] if link.carries else []
        addresses.update(dict.fromkeys(reached))
        speakers += reached[:1]
    if addresses:
        return AddressChoice(tuple(addresses), tuple(dict.fromkeys(speakers)))
    return AddressChoice(reason=_why_none(bound, interface))


def _there_are(found: list[Interface]) -> str:
    """The interfaces that could have been named, each with its first useful address."""
    names = [f"{one.names[0]} ({reached[0]})" for one in found if not _inside(one) and (reached := _reached(one))]
    return f"There is {' and '.join(names)}." if names else "There is no other."


def _inside(link: Interface) -> bool:
    return any(fnmatchcase(name.casefold(), pattern) for name in link.names for pattern in INSIDE)


def _reached(link: Interface) -> list[str]:
    """An interface's useful addresses, IPv4 first; a self-given one (RFC 3927) only where there is no other."""
    parsed = [ip_address(text.partition("%")[0]) for text in link.addresses]
    four = [ip for ip in parsed if isinstance(ip, IPv4Address) and _useful(ip)]
    six = [ip for ip in parsed if isinstance(ip, IPv6Address) and _useful_six(ip)]
    given = [ip for ip in four if not ip.is_link_local]
    return [str(ip) for ip in [*(given or four), *six]]


def _useful(ip: IPv4Address) -> bool:
    return not (ip.is_loopback or ip.is_unspecified or ip.is_multicast or ip.is_reserved or ip in SHARED)


def _useful_six(ip: IPv6Address) -> bool:
    """Global or unique local: a link-local one is of no use without the name of the other's interface."""
    return not ip.is_multicast and (ip.is_global or ip in UNIQUE_LOCAL)


def _everywhere(bound: str, address: str) -> bool:
    """Whether a hub bound to every address is reached by this one: 0.0.0.0 hears no IPv6."""
    return bound in EVERYWHERE and (bound == "::" or ":" not in address)


def _why_none(bound: str, interface: str | None) -> str:
    if bound not in EVERYWHERE:
        return f"The hub listens on {bound} only, and no network that an iPad could be in has that address now."
    if interface is not None:
        return f"The interface {interface!r} has no network now."
    return "This machine is in no network that an iPad could be in: no cable, no Wi-Fi."
