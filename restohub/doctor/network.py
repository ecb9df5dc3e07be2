"""Checks of the network: who has the port, and by which addresses an iPad reaches the hub."""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import subprocess
from ipaddress import ip_address

from msgspec import Struct

from restohub.config import Settings
from restohub.net.addresses import EVERYWHERE, AddressChoice, choose_addresses, machine_interfaces
from restohub.net.health_probe import HubHealth, health_at
from restohub.net.running_hub import SERVICE_FOLDER
from restohub.net.urls import LOOPBACK, url

from .folder import with_sudo
from .report import Check

CONNECT_WAIT_S = 1.0


class Listener(Struct, frozen=True):
    """What answers on the port: a restohub and what it told of itself, or (None) another program."""

    hub: HubHealth | None

    def ours(self, install_id: str | None, served: bool) -> HubHealth | None:
        """The hub of this folder, None where it is not that; `served`: that some hub holds the folder."""
        known = self.hub is not None and (self.hub.id == install_id or (install_id is None and served))
        return self.hub if known else None


async def who_answers(host: str, port: int) -> Listener | None:
    """What answers there, None where nothing does."""
    where = LOOPBACK if host in EVERYWHERE else host
    told = await health_at(where, port)
    if told and told.id:
        return Listener(told)
    try:
        async with asyncio.timeout(CONNECT_WAIT_S):
            _, writer = await asyncio.open_connection(where, port)
    except (OSError, UnicodeError):
        return None
    writer.close()
    return Listener(None)


def check_port(chosen: Settings, listener: Listener | None, install_id: str | None, served: bool) -> Check:
    """Whether the port is the hub's: `served` says that a hub holds the data folder, whatever its port."""
    if listener is not None and listener.hub is not None:
        ours = listener.ours(install_id, served)
        return _hub(chosen, ours) if ours else _strange_hub(chosen)
    if listener is not None:
        return _taken(chosen.first_port)
    checked = _bind(chosen)
    if checked.result == "well" and served:
        found = f"A hub runs on this data folder, but not on port {chosen.first_port}."
        return Check("port", "warning", found, "If it has another port on purpose, ask again with --port.")
    return checked


def _strange_hub(chosen: Settings) -> Check:
    return Check(
        "port",
        "wrong",
        f"Another restohub, not of {chosen.data}, answers on port {chosen.first_port}.",
        "Stop one of them, or give this one another --port. If that is the one you mean, name its folder; "
        f"a service's: {with_sudo(SERVICE_FOLDER)}",
    )


def _hub(chosen: Settings, told: HubHealth) -> Check:
    if told.status != "healthy":
        found = f"The hub runs on port {chosen.first_port}, but can save nothing now: {told.reason}."
        return Check("port", "wrong", found, "iPads still see the floor. The lines on the disk may say more.")
    screens = f"{told.connections} {'screen' if told.connections == 1 else 'screens'} connected"
    found = f"The hub runs on port {chosen.first_port}, for {_lasting(told.uptime_seconds)}, {screens}."
    return Check("port", "well", found)


def _bind(chosen: Settings) -> Check:
    from restohub.web.transport.listener import listening_socket  # the way the hub will do it

    try:
        listening_socket(chosen.host, chosen.first_port).close()
    except socket.gaierror:
        return Check(
            "port", "wrong", f"{chosen.host!r} is not an IP address.", "Leave --host out to listen on every one."
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return _taken(chosen.first_port)
        if error.errno == errno.EADDRNOTAVAIL:
            found = f"No network of this machine has the address {chosen.host} now."
            return Check("port", "wrong", found, "Leave --host out to listen on every one, or look at the cable.")
        if error.errno == errno.EACCES:
            found = f"This user may not listen on port {chosen.first_port}."
            return Check("port", "wrong", found, "Choose a port from 1024 on with --port, such as 8000.")
        found = f"The hub could not listen on port {chosen.first_port} of {chosen.host} ({error.strerror})."
        return Check("port", "wrong", found, "Choose others with --port and --host.")
    return Check("port", "well", f"Port {chosen.first_port} is free. The hub does not run now: restohub serve")


def _taken(port: int) -> Check:
    program = who_listens(port)
    fix = "Stop it, or give the hub another --port (and tell the app)."
    return Check("port", "wrong", f"{program or 'Another program'} has port {port}.", fix)


def who_listens(port: int) -> str:
    """The program that listens on a TCP port, as iproute2 names it to this user; empty where it does not."""
    command = ["ss", "--listening", "--tcp", "--numeric", "--processes", "--no-header", f"sport = :{port}"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=2).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r'users:\(\("(.*?)",pid=(\d+)', said)
    return f"The program {found[1]!r} (process {found[2]})" if found else ""


def check_addresses(chosen: Settings) -> tuple[Check, AddressChoice]:
    """What to type into an iPad, and the choice that discovery makes of the same addresses."""
    name, scheme = "addresses", "http" if chosen.http else "https"
    try:
        bound = bound_address(chosen.host)
        if ip_address(bound).is_loopback:
            found = f"The hub listens on {chosen.host}, which only this machine itself reaches."
            return Check(name, "warning", found, "Leave --host out, and iPads reach it."), AddressChoice(reason=found)
        choice = choose_addresses(machine_interfaces(), bound, chosen.interface)
    except (OSError, ValueError) as error:
        found = f"The machine's addresses could not be read ({error})."
        return Check(name, "skipped", found), AddressChoice(reason=found)
    if not choice.addresses and (others := choose_addresses(machine_interfaces(), bound).addresses):
        at = " or ".join(url(one, chosen.first_port, scheme) for one in others)
        found = f"{choice.reason} iPads do not find the hub by themselves, but reach it at {at}"
        return Check(name, "warning", found, "Name one that exists with --interface, or leave it out."), choice
    if not choice.addresses:
        fix = "Plug in the cable or join the Wi-Fi that the iPads use; a running hub picks it up by itself."
        return Check(name, "wrong", choice.reason, fix), choice
    at = " or ".join(url(one, chosen.first_port, scheme) for one in choice.addresses)
    found = f"On an iPad in the same network, open {at}"
    if all(ip_address(one).is_link_local for one in choice.addresses):
        fix = "No router gave this machine an address. Is the router on, and the cable in it?"
        return Check(name, "warning", found, fix), choice
    return Check(name, "well", found), choice


def bound_address(host: str) -> str:
    """The address that a hub with this setting is bound to; raises OSError."""
    if host in EVERYWHERE:
        return "::" if socket.has_dualstack_ipv6() else "0.0.0.0"
    return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])


def _lasting(seconds: int) -> str:
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}{'s' if seconds >= 2 * length else ''}"
    return f"{seconds} seconds"
