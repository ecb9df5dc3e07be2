"""This file is the network before the doctor: who has the port, and by which addresses an iPad comes to it."""

from __future__ import annotations

import asyncio
import errno
import json
import re
import socket
import subprocess
from ipaddress import ip_address
from typing import Any

from msgspec import Struct

from restohub.addresses import EVERYWHERE, Choice, choose, links
from restohub.advertise import host_name
from restohub.config import Settings

from .folder import SERVICE_FOLDER, with_sudo
from .report import Check

ASKING_WAIT_S = 2.0
ANSWER_BYTES_MAX = 64 * 1024


class Running(Struct, frozen=True):
    """What answers on the port: `health` is a restohub's `GET /health`, None of another program."""

    health: dict[str, Any] | None

    def discovery(self) -> dict[str, Any]:
        """What it says of how iPads find it."""
        found = (self.health or {}).get("discovery")
        return found if isinstance(found, dict) else {}

    def is_of(self, install_id: str | None) -> bool:
        """Whether it is the hub with this install id."""
        return install_id is not None and self.discovery().get("host") == host_name(install_id)


async def who_answers(host: str, port: int) -> Running | None:
    """What answers there, None where nothing does; one plain request, as a browser would send it."""
    where = "127.0.0.1" if host in EVERYWHERE else host
    writer = None
    try:
        async with asyncio.timeout(ASKING_WAIT_S):
            reader, writer = await asyncio.open_connection(where, port)
            writer.write(f"GET /health HTTP/1.0\r\nHost: localhost:{port}\r\n\r\n".encode())
            head, _, body = (await _all_of(reader)).partition(b"\r\n\r\n")
        answer = json.loads(body) if head.startswith(b"HTTP/1.") else None
    except (OSError, ValueError, RecursionError):
        return None if writer is None else Running(None)
    finally:
        if writer is not None:
            writer.close()
    known = isinstance(answer, dict) and "discovery" in answer and "uptime_seconds" in answer
    return Running(answer if known else None)


async def _all_of(reader: asyncio.StreamReader) -> bytes:
    said = b""
    while len(said) < ANSWER_BYTES_MAX and (more := await reader.read(ANSWER_BYTES_MAX)):
        said += more
    return said


def port(chosen: Settings, running: Running | None, install_id: str | None, served: bool) -> Check:
    """Whether the port is the hub's: `served` says that a hub holds the data folder, whatever its port."""
    if running is not None and running.health is not None:
        return _hub(chosen, running.health, ours=running.is_of(install_id) or (install_id is None and served))
    if running is not None:
        return _taken(chosen.port)
    checked = _bind(chosen)
    if checked.result == "well" and served:
        found = f"A hub runs on this data folder, but not on port {chosen.port}."
        return Check("port", "warning", found, "If it has another port on purpose, ask again with --port.")
    return checked


def _hub(chosen: Settings, health: dict[str, Any], ours: bool) -> Check:
    if not ours:
        return Check(
            "port",
            "wrong",
            f"Another restohub, not of {chosen.data}, answers on port {chosen.port}.",
            "Stop one of them, or give this one another --port. If that is the one you mean, name its folder; "
            f"a service's: {with_sudo(SERVICE_FOLDER)}",
        )
    if health.get("status") != "healthy":
        found = f"The hub runs on port {chosen.port}, but can save nothing now: {health.get('reason')}."
        return Check("port", "wrong", found, "iPads still see the floor. The lines on the disk may say more.")
    uptime, connections = int(health.get("uptime_seconds", 0)), int(health.get("connections", 0))
    screens = f"{connections} {'screen' if connections == 1 else 'screens'} connected"
    return Check("port", "well", f"The hub runs on port {chosen.port}, for {_lasting(uptime)}, {screens}.")


def _bind(chosen: Settings) -> Check:
    from restohub.web.transport import listening_socket  # the way the hub will do it

    try:
        listening_socket(chosen.host, chosen.port).close()
    except socket.gaierror:
        return Check("port", "wrong", f"{chosen.host!r} is no address.", "Leave --host out to listen on every one.")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return _taken(chosen.port)
        if error.errno == errno.EADDRNOTAVAIL:
            found = f"No network of this machine has the address {chosen.host} now."
            return Check("port", "wrong", found, "Leave --host out to listen on every one, or look at the cable.")
        if error.errno == errno.EACCES:
            found = f"This user may not listen on port {chosen.port}."
            return Check("port", "wrong", found, "Choose a port from 1024 on with --port, such as 8000.")
        found = f"The hub could not listen on port {chosen.port} of {chosen.host} ({error.strerror})."
        return Check("port", "wrong", found, "Choose others with --port and --host.")
    return Check("port", "well", f"Port {chosen.port} is free. The hub does not run now: restohub serve")


def _taken(port: int) -> Check:
    program = who_listens(port)
    cure = "Stop it, or give the hub another --port (and tell the app)."
    return Check("port", "wrong", f"{program or 'Another program'} has port {port}.", cure)


def who_listens(port: int) -> str:
    """The program that listens on a TCP port, as iproute2 names it to this user; empty where it does not."""
    command = ["ss", "--listening", "--tcp", "--numeric", "--processes", "--no-header", f"sport = :{port}"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=2).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r'users:\(\("(.*?)",pid=(\d+)', said)
    return f"The program {found[1]!r} (process {found[2]})" if found else ""


def addresses(chosen: Settings) -> tuple[Check, Choice]:
    """What to type into an iPad, and the choice that discovery makes of the same addresses."""
    name = "addresses"
    try:
        bound = bound_address(chosen.host)
        if ip_address(bound).is_loopback:
            found = f"The hub listens on {chosen.host}, which only this machine itself reaches."
            return Check(name, "warning", found, "Leave --host out, and iPads reach it."), Choice(reason=found)
        choice = choose(links(), bound, chosen.interface)
    except (OSError, ValueError) as error:
        found = f"They could not be asked for ({error})."
        return Check(name, "skipped", found), Choice(reason=found)
    if not choice.addresses:
        cure = "Plug in the cable or join the Wi-Fi that the iPads use; a running hub follows by itself."
        return Check(name, "wrong", choice.reason, cure), choice
    found = f"On an iPad in the same network, open {' or '.join(url(one, chosen.port) for one in choice.addresses)}"
    if all(ip_address(one).is_link_local for one in choice.addresses):
        cure = "No router gave this machine an address. Is the router on, and the cable in it?"
        return Check(name, "warning", found, cure), choice
    return Check(name, "well", found), choice


def bound_address(host: str) -> str:
    """The address that a hub with this setting is bound to; raises OSError."""
    if host in EVERYWHERE:
        return "::" if socket.has_dualstack_ipv6() else "0.0.0.0"
    return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])


def url(address: str, port: int) -> str:
    """Where a browser goes."""
    return f"http://[{address}]:{port}/" if ":" in address else f"http://{address}:{port}/"


def _lasting(seconds: int) -> str:
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}{'s' if seconds >= 2 * length else ''}"
    return f"{seconds} seconds"
