"""The guard before every request: whether its Host, its Origin and its sender are allowed.

A web page that a guest's phone or an iPad has open must not reach the hub through it. A page under another name (DNS
rebinding) is known by the Host that its browser sends, any other page by its Origin; no page can change either.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address
from typing import Any, NamedTuple

from restohub.floor.outcomes import Params, Refused, quoted
from restohub.limits import PASSED_MAX

from .host_names import own_names

# Top-level names that nobody can register: RFC 6762, RFC 8375, ICANN's .internal, and those that routers use.
LOCAL_ENDS = (".local", ".lan", ".home", ".internal", ".home.arpa")
AUTHORITY = re.compile(
    r"(?:\[([0-9a-f:.]{2,45})(?:%[\w.~%-]{1,64})?\]|((?:[\w-]+\.)*[\w-]+)\.?)(?::([0-9]{0,5}))?", re.ASCII
)
AUTHORITY_BYTES_MAX = 320
ORIGIN = re.compile(r"([a-z][a-z0-9+.-]{0,31})://([^/]*)/?", re.ASCII)
DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
# The versions of HTTP whose requests need no Host.
WITHOUT_HOST = ("1.0", "0.9")
NAMES_KEPT_S = 10.0

NO_HOST = Refused("invalid_json", hint="The request has no Host header. HTTP/1.1 needs one.")
SEVERAL_HOSTS = Refused("invalid_json", hint="The request has several Host headers.")
NO_NAME = Refused("invalid_json", hint="The request's Host is neither a name nor an address.")
NOT_PERMITTED = Refused(
    "not_permitted",
    "This hub answers only its own network, and this request came from the Internet.",
    hint="`allow_public = true` in the hub's restohub.toml (or --allow-public) lets it in.",
)


class Authority(NamedTuple):
    """A host, as it is compared, and its port where one is given."""

    host: str
    port: int | None


class Guard:
    """Who passes. `allowed_hosts` are further names of the hub, `permitted` says whether a peer's address may ask.

    What passed once is remembered, so that a request costs a look into a set; what is refused is judged each time,
    since the machine may have got another name meanwhile. `now` gives the seconds of a monotonic clock.
    """

    def __init__(
        self,
        allowed_hosts: Iterable[str],
        permitted: Callable[[str], bool],
        now: Callable[[], float],
        read_names: Callable[[], frozenset[str]] = own_names,
    ) -> None:
        self._allowed = frozenset(host.lower().rstrip(".") for host in allowed_hosts)
        self._permitted = permitted
        self._now = now
        self._read_names = read_names
        self._own: frozenset[str] = frozenset()
        self._looked_at = float("-inf")
        self._passed: set[tuple[Any, ...]] = set()

    def refusal(self, scope: Any, target: bytes | None = None) -> Refused | None:
        """Why a request does not pass, None where it does; `target` is the authority of an absolute-form target."""
        client = scope["client"]
        peer = client[0] if client else ""
        asked = (
            peer,
            scope["http_version"],
            target,
            *[(name, value) for name, value in scope["headers"] if name == b"host" or name == b"origin"],  # noqa: PLR1714 (a set is half as fast)
        )
        if asked in self._passed:
            return None
        refused = self._judged(*asked[1:])
        if refused is None and peer and not self._permitted(peer):
            refused = NOT_PERMITTED
        if refused is None:
            if len(self._passed) >= PASSED_MAX:
                self._passed.clear()
            self._passed.add(asked)
        return refused

    def _judged(self, version: str, target: bytes | None, *headers: tuple[bytes, bytes]) -> Refused | None:
        """What is wrong with the Host and the Origin of a request."""
        hosts = [value for name, value in headers if name == b"host"]
        origins = [value for name, value in headers if name == b"origin"]
        if len(hosts) > 1:
            return SEVERAL_HOSTS
        if not any(hosts) and version not in WITHOUT_HOST:
            return NO_HOST
        # Where the target names a host, it counts before the header (RFC 9112, section 3.2.2); both must be ours.
        named = [authority(one) for one in (*(() if target is None else (target,)), *filter(None, hosts))]
        for one in named:
            if one is None:
                return NO_NAME
            if not self._is_ours(one.host):
                return _foreign_host(one.host)
        if origins and (len(origins) > 1 or not self._is_own_origin(origins[0], named[0] if named else None)):
            return _foreign_origin(b", ".join(origins))
        return None

    def _is_ours(self, host: str) -> bool:
        """Whether a name can only be the hub's: nobody outside can have it in the DNS, or a setting names it."""
        if "." not in host or host.endswith(LOCAL_ENDS) or host in self._allowed or is_ip(host):
            return True
        return host in self._own_names()

    def _is_own_origin(self, origin: bytes, own: Authority | None) -> bool:
        """Whether a page has the very host and port that it asks, or a host of the settings."""
        found = ORIGIN.fullmatch(origin.decode("latin-1").lower())
        page = authority(found[2].encode("latin-1")) if found else None
        if found is None or page is None:
            return False
        if page.host in self._allowed:
            return True
        default = DEFAULT_PORTS.get(found[1])
        return own is not None and (page.host, page.port or default) == (own.host, own.port or default)

    def _own_names(self) -> frozenset[str]:
        if self._now() - self._looked_at >= NAMES_KEPT_S:
            self._looked_at = self._now()
            names = self._read_names()
            if names != self._own:
                self._own = names
                self._passed.clear()
        return self._own


def authority(text: bytes) -> Authority | None:
    """A host and port as they are compared; None for what is neither a name nor an IP address.

    Case, a last dot, and an IPv6 address's zone and spelling are no matter; a name of other letters comes in punycode.
    """
    found = AUTHORITY.fullmatch(text.decode("latin-1").lower()) if len(text) <= AUTHORITY_BYTES_MAX else None
    if found is None:
        return None
    six, name, port = found.groups()
    try:
        return Authority(str(IPv6Address(six)) if six else name, int(port) if port else None)
    except ValueError:
        return None


def is_ip(host: str) -> bool:
    """Whether a host is an IP address, an older spelling of IPv4 such as `127.1` included."""
    if ":" in host:
        return True
    try:
        socket.inet_aton(host)
    except OSError:
        return False
    return True


def _foreign_host(host: str) -> Refused:
    return Refused(
        "host_not_allowed",
        f"This hub does not answer to the name {host[:100]}. Its address works.",
        hint="If the name is the hub's, add it to `allowed_hosts` in the hub's restohub.toml (or start it with "
        "--allowed-hosts), and start it again.",
        params=Params(host=host[:100]),
    )


def _foreign_origin(origin: bytes) -> Refused:
    shown = origin[:100].decode("latin-1")
    return Refused(
        "origin_not_allowed",
        f"A web page from {quoted(shown)} may not use this hub.",
        hint="If the page is yours, add its host to `allowed_hosts` in the hub's restohub.toml (or start it with "
        "--allowed-hosts), and start it again.",
        params=Params(origin=shown),
    )
