"""200 Hosts and 100 Origins, each with what it was made to be, and what is right for each pair."""

from __future__ import annotations

from itertools import cycle, islice
from typing import NamedTuple

OWN_LABEL, SEARCH = "hub", ("fritz.box", "speedport.ip")
ALLOWED = ("hub.example.com", "XN--Kche-0ra.example.", "10.9.9.9")
DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}

# A spelling, and the one that it is compared by.
OURS = {
    "192.168.1.20": "", "10.0.0.7": "", "127.0.0.1": "", "8.8.8.8": "", "100.64.3.4": "", "169.254.7.7": "",
    "127.1": "",
    "[::1]": "::1", "[fe80::1%eth0]": "fe80::1", "[fe80::1%25eth0]": "fe80::1", "[fd77:0:0:0::1]": "fd77::1",
    "[2001:db8::1]": "2001:db8::1", "[::ffff:10.0.0.7]": "::ffff:a00:7",
    "localhost": "", "hub": "", "kitchen-pi": "", "my_hub": "", "2130706433": "", "xn--kche-0ra": "",
    "restohub-9e44d2.local": "", "my_pi.local": "", "xn--kche-0ra.local": "",
    "a.b.local": "", "evil.example.local": "", "hub.lan": "", "hub.home": "", "hub.internal": "", "hub.home.arpa": "",
    "hub.fritz.box": "", "hub.speedport.ip": "",
    "hub.example.com": "", "xn--kche-0ra.example": "",
}  # fmt: skip
FOREIGN = (
    "evil.example", "example.com", "hub.fritz.box.evil.example", "other.fritz.box", "fritz.box", "x.hub.fritz.box",
    "hub.local.evil.example", "local.evil.example", "hublocal.example", "evil-local.example", "home.arpa",
    "evil.locale",
    "192.168.1.20.evil.example", "1.2.3.4.5", "256.1.1.1", "10.0.0.7.nip.example", "hub.example.com.evil.example",
    "xhub.example.com", "www.hub.example.com", "example.com.hub", "xn--kche-0rb.example", "evil_.example", "a.test",
    "internal.example", "lan.evil.example", "evil.onion", "hub.speedport.ipx", "rebound.example",
)  # fmt: skip
BROKEN = (
    "a b.local", "hub,evil.example", "hub@evil.example", "hub.local@evil.example", "http://hub", "hub/", "hub.local/x",
    "[::1", "::1", "fe80::1", "hub..local", ".local", "hub.local..", "hub:80:80", "hub:port", "hub:-1", "hub:8000000",
    "[zz::1]", "[1.2.3.4]", "[]", "hub.local#", "hub?x", "*.local", "hub.local%2eevil.example", "\"hub\"", "hub;local",
    "küche.local", "hub.ｌocal",
)  # fmt: skip
PORTS = ((":8000", 8000), ("", None), (":80", 80), (":443", 443), (":", None), (":08000", 8000))


class HostHeader(NamedTuple):
    """A Host header: how it is spelled, what it names, and whether that is `ours`, `foreign` or `broken`."""

    spelled: str
    name: str
    port: int | None
    kind: str


class Origin(NamedTuple):
    """An Origin header: how it is spelled, and what it names; `name` is empty where it names nothing."""

    spelled: str
    scheme: str
    name: str
    port: int | None


def hosts() -> list[HostHeader]:
    """The 200: each name, its case, its last dot and its port mixed."""
    made = []
    for number in range(3):
        ports = islice(cycle(PORTS), number, None)
        for name, (spelled_port, port) in zip([*OURS, *FOREIGN], ports, strict=False):
            spelled = name.upper() if number == 1 else name
            spelled += "." if number == 2 and "[" not in name and "127.1" not in name else ""
            kind = "foreign" if name in FOREIGN else "ours"
            made.append(HostHeader(spelled + spelled_port, OURS.get(name) or name, port, kind))
    made = made[: 200 - len(BROKEN)] + [HostHeader(spelled, "", None, "broken") for spelled in BROKEN]
    assert len({host.spelled for host in made}) == len(made) == 200
    return made


def origins() -> list[Origin]:
    """The 100: own pages by every scheme, pages of others, and what is no origin at all."""
    own = []
    for number, name in enumerate(
        ("192.168.1.20", "[::1]", "localhost", "my_pi.local", "hub.fritz.box", "xn--kche-0ra.local")
    ):
        for scheme in ("http", "ws", "https", "wss", "capacitor"):
            for spelled_port, port in (PORTS[0], PORTS[1], PORTS[2 + (number + len(scheme)) % 2])[: 2 + number % 2]:
                spelled = name.upper() if number == 3 else name
                own.append(Origin(f"{scheme}://{spelled}{spelled_port}", scheme, OURS[name] or name, port))
    made = []
    for name in ("HUB.example.com", "xn--kche-0ra.example", "10.9.9.9"):
        made += [Origin(f"{scheme}://{name}:3000", scheme, name.lower(), 3000) for scheme in ("http", "https")]
    others = (
        "evil.example",
        "hub.local.evil.example",
        "xmy_pi.local",
        "my_pi.local.evil.example",
        "192.168.1.201",
        "[::2]",
    )
    made += [Origin(f"http://{name}:8000", "http", OURS.get(name, name).strip("[]"), 8000) for name in others]
    made += [
        Origin(spelled, "", "", None)
        for spelled in (
            "null", "NULL", "file://", "", "192.168.1.20:8000", "//192.168.1.20:8000", "http:192.168.1.20:8000",
            "http://192.168.1.20:8000@evil.example", "http://evil.example@192.168.1.20:8000", "http://192.168.1.20:8000/evil",
            "http://192.168.1.20:8000 http://evil.example", "http://192.168.1.20:8000, http://evil.example", "http://",
            "http://192.168.1.20:8000#", "http://192.168.1.20:8000\\", "http://192.168.1.20:x", "://192.168.1.20:8000",
            "about:blank", "data:,", "*",
        )
    ]  # fmt: skip
    made += own[: 100 - len(made)]
    assert len({origin.spelled for origin in made}) == len(made) == 100
    return made


ALLOWED_NAMES = ("hub.example.com", "xn--kche-0ra.example", "10.9.9.9")


def right(host: HostHeader, origin: Origin | None) -> str:
    """The error code that a pair must get, "" where it must pass."""
    if host.kind != "ours":
        return {"foreign": "host_not_allowed", "broken": "invalid_json"}[host.kind]
    if origin is None or (origin.name and origin.name in ALLOWED_NAMES):
        return ""
    default = DEFAULT_PORTS.get(origin.scheme)
    same = origin.name == host.name and (origin.port or default) == (host.port or default)
    return "" if origin.name and same else "origin_not_allowed"
