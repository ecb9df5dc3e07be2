"""An iPad's ears: Debian's avahi on a machine of the test's network, and questions without any cache."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import quote

import pytest
from zeroconf import DNSAddress, DNSIncoming, DNSOutgoing, DNSPointer, DNSQuestion, DNSRecord

from tests.net.network import Machine, udp_socket

T = TypeVar("T")
# What a busy machine may take for anything; only what is measured is held to a time.
PATIENCE_S = 60.0
GROUP = ("224.0.0.251", 5353)
TYPE_A, TYPE_PTR, TYPE_ANY, CLASS_IN = 1, 12, 255, 1
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/><allow user="*"/></policy>
</busconfig>"""
AVAHI = "[server]\nhost-name=pad\nuse-ipv4=yes\nuse-ipv6=yes\n[publish]\npublish-hinfo=no\npublish-workstation=no\n"


class Found(NamedTuple):
    """One line of avahi-browse that is resolved."""

    name: str
    host: str
    address: str
    port: int
    txt: dict[str, str]


def within(wait_s: float, ask: Callable[[], T | None]) -> tuple[T, float]:
    """The first true answer to a repeated question, and the seconds it took; fails after `wait_s`."""
    began = time.monotonic()
    while time.monotonic() < began + wait_s:
        if answer := ask():
            return answer, time.monotonic() - began
        time.sleep(0.2)
    raise AssertionError(f"not within {wait_s} s")


class AvahiMachine:
    """A machine with an avahi-daemon and a bus of its own."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        if missing := [tool for tool in ("dbus-daemon", "avahi-daemon", "avahi-browse") if shutil.which(tool) is None]:
            pytest.skip(f"Debian's avahi is not here: no {', '.join(missing)}")
        self.machine = machine
        bus = quote(str(folder / "bus"))  # an address of D-Bus has a space as %20
        (folder / "bus.conf").write_text(BUS.format(path=bus))
        (folder / "avahi.conf").write_text(AVAHI)
        self.environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={bus}"}
        self.processes: list[subprocess.Popen[bytes]] = []
        self.log = folder / "log"
        try:
            self._start("dbus-daemon", f"--config-file={folder / 'bus.conf'}", "--nofork", "--nopidfile")
            within(PATIENCE_S, (folder / "bus").exists)
            # Its process id stands in /run, where the machine's own avahi may have one: each its own /run.
            settings = shlex.quote(str(folder / "avahi.conf"))
            avahi = f"exec avahi-daemon -f {settings} --no-drop-root --no-chroot --no-rlimits"
            self._start("sh", "-c", f"mount -t tmpfs none /run && mkdir /run/avahi-daemon && {avahi}")
            within(PATIENCE_S, lambda: "Server startup complete" in self.log.read_text())
        except BaseException:
            self.close()
            raise

    def _start(self, *command: str) -> None:
        with self.log.open("ab") as log:
            self.processes.append(
                subprocess.Popen(
                    [*self.machine.wrap, *command],
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            )

    def _said(self, *command: str) -> str:
        done = subprocess.run(
            [*self.machine.wrap, *command],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        return done.stdout

    def browse(self, service: str = "_restohub._tcp") -> list[Found]:
        """The services that avahi-browse finds and resolves."""
        lines = [line.split(";") for line in self._said("avahi-browse", "-rtp", service).splitlines()]
        return [
            Found(unescaped(line[3]), line[6], line[7], int(line[8]), txt_of(";".join(line[9:])))
            for line in lines
            if line[0] == "="
        ]

    def names(self, service: str = "_restohub._tcp") -> list[str]:
        """The instance names that avahi-browse lists, resolved or not."""
        lines = self._said("avahi-browse", "-tp", service).splitlines()
        return [unescaped(line.split(";")[3]) for line in lines if line.startswith("+")]

    def resolve(self, host: str) -> str:
        """The address by avahi-resolve, or nothing."""
        return (self._said("avahi-resolve", "-4n", host).split() or [""])[-1]

    def close(self) -> None:
        """End its daemons."""
        for process in reversed(self.processes):
            process.terminate()
            process.wait(PATIENCE_S)


def unescaped(text: str) -> str:
    """avahi's `\\195\\132` as the text it stands for."""
    raw, at = bytearray(), 0
    while at < len(text):
        code = text[at + 1 : at + 4]
        if text[at] == "\\" and code.isdecimal():
            raw.append(int(code))
            at += 4
        else:
            at += text[at] == "\\"
            raw += text[at].encode()
            at += 1
    return raw.decode()


def txt_of(text: str) -> dict[str, str]:
    """avahi's `"a=b" "c=d"` as a dict."""
    return dict(part.partition("=")[::2] for part in text.strip('"').split('" "'))


def asked(machine: Machine, name: str, kind: int, wait_s: float = 1.0) -> list[DNSRecord]:
    """What is answered at once to one question by one who has heard nothing yet (RFC 6762, section 6.7)."""
    out = DNSOutgoing(0)
    out.add_question(DNSQuestion(name, kind, CLASS_IN))
    with machine.inside(udp_socket) as sock:
        sock.settimeout(wait_s)
        try:
            sock.sendto(out.packets()[0], GROUP)
            return DNSIncoming(sock.recv(9000)).answers()
        except OSError:  # none came, or no cable
            return []


def addresses_of(machine: Machine, host: str, wait_s: float = 1.0) -> set[str]:
    """The IPv4 addresses that a fresh client is told of a host."""
    records = asked(machine, host + ".", TYPE_A, wait_s)
    return {socket.inet_ntoa(r.address) for r in records if isinstance(r, DNSAddress) and len(r.address) == 4}


class MulticastListener:
    """A socket that hears all mDNS of the network."""

    def __init__(self, machine: Machine) -> None:
        self.socket = machine.inside(self._open)

    def _open(self) -> socket.socket:
        made = udp_socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(GROUP)
        index = socket.if_nametoindex("eth0").to_bytes(4, "little")
        member = socket.inet_aton(GROUP[0]) + socket.inet_aton("0.0.0.0") + index
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        return made

    def goodbyes(self, name: str, wait_s: float) -> set[str]:
        """The services that said goodbye whose names begin so, until two did or the time is over."""
        gone: set[str] = set()
        end = time.monotonic() + wait_s
        while len(gone) < 2 and (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                heard = DNSIncoming(self.socket.recv(9000))
            except TimeoutError:
                break
            if not heard.is_query():
                gone |= {
                    r.alias
                    for r in heard.answers()
                    if isinstance(r, DNSPointer) and r.ttl == 0 and r.alias.startswith(name)
                }
        return gone
