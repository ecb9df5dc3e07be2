"""The names that a router gives to this machine: its own under each search domain of its resolver."""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from pathlib import Path

RESOLVER = Path("/etc/resolv.conf")
RESOLVER_BYTES_MAX = 64 * 1024


def own_names(resolver: Path = RESOLVER) -> frozenset[str]:
    """This machine's full names, such as `hub.fritz.box`; no DNS is asked."""
    full = socket.gethostname().lower().rstrip(".")
    label = full.partition(".")[0]
    return frozenset({full, *(f"{label}.{domain}" for domain in search_domains(resolver))})


if sys.platform == "win32":
    import winreg

    PARAMETERS = r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters"
    INTERFACES = PARAMETERS + r"\Interfaces"

    def search_domains(resolver: Path) -> set[str]:  # noqa: ARG001 (Windows has no such file)
        """The domains that the registry has, for all interfaces and for each."""
        places = [PARAMETERS]
        with suppress(OSError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, INTERFACES) as key:
            places += [rf"{INTERFACES}\{winreg.EnumKey(key, at)}" for at in range(winreg.QueryInfoKey(key)[0])]
        found = ""
        for place in places:
            with suppress(OSError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place) as key:
                for name in ("SearchList", "Domain", "DhcpDomain"):
                    with suppress(OSError):
                        found += f" {winreg.QueryValueEx(key, name)[0]}"
        return _domains(found.replace(",", " "))
else:

    def search_domains(resolver: Path) -> set[str]:
        """The domains of resolv.conf(5); none where it cannot be read."""
        try:
            with resolver.open("rb") as file:
                text = file.read(RESOLVER_BYTES_MAX).decode("latin-1")
        except OSError:
            return set()
        lines = [line.split(maxsplit=1) for line in text.splitlines()]
        return _domains(" ".join(line[1] for line in lines if len(line) == 2 and line[0] in ("search", "domain")))


def _domains(text: str) -> set[str]:
    return {name for word in text.lower().split() if (name := word.strip("."))}
