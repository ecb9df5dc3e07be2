"""A network on this machine: a switch, and machines with a cable to it, each a network namespace."""

from __future__ import annotations

import contextlib
import ctypes
import ipaddress
import itertools
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests import launcher

T = TypeVar("T")
CLONE_NEWNET = 0x40000000
_count = itertools.count()


def run(*command: str, wait_s: float = 20) -> str:
    """A command's stdout; raises CalledProcessError."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=wait_s).stdout


class Machine:
    """One machine: a namespace whose `eth0` is a cable to the switch."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    def ip(self, *command: str) -> str:
        """`ip …` on this machine."""
        return run("ip", "-n", self.namespace, *command)

    @property
    def wrap(self) -> tuple[str, ...]:
        """What goes before a command to run it here."""
        return ("ip", "netns", "exec", self.namespace)

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """For so long this thread, and every thread and process that it starts, is on this machine."""
        launcher.begin()  # in here it would stay on this machine, with all that it forks
        here, home = Path(f"/run/netns/{self.namespace}"), Path("/proc/thread-self/ns/net")
        with here.open() as there, home.open() as back:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(back.fileno())

    def inside(self, act: Callable[[], T]) -> T:
        """What `act` returns when called on this machine; a socket that it makes stays here."""
        got: list[T] = []

        def there() -> None:
            with Path(f"/run/netns/{self.namespace}").open() as namespace:
                _enter(namespace.fileno())
            got.append(act())

        thread = threading.Thread(target=there)
        thread.start()
        thread.join(30)
        assert got, "it failed in the namespace"
        return got[0]


def _enter(namespace: int) -> None:
    """Move this thread into a namespace."""
    if ctypes.CDLL(None, use_errno=True).setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Network:
    """A switch without any other network; `machine` plugs one in."""

    def __init__(self) -> None:
        self.tag = f"rh{os.getpid()}x{next(_count)}"
        self.namespaces: list[str] = []
        self.switch = self._namespace("switch")
        self.switch.ip("link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        self.switch.ip("link", "set", "br0", "up")

    def _namespace(self, role: str) -> Machine:
        name = f"{self.tag}{role}"
        run("ip", "netns", "add", name)
        self.namespaces.append(name)
        machine = Machine(name)
        machine.ip("link", "set", "lo", "up")
        return machine

    def machine(self, role: str, *addresses: str) -> Machine:
        """A machine with these addresses (10.77.0.1/24); without one its cable is not there yet."""
        machine = self._namespace(role)
        if addresses:
            self.plug(machine, *addresses)
        return machine

    def plug(self, machine: Machine, *addresses: str) -> None:
        """Give a machine its `eth0`, and it these addresses."""
        port = self.port(machine)
        run("ip", "link", "add", port, "netns", self.switch.namespace, "type", "veth",
            "peer", "name", "eth0", "netns", machine.namespace)  # fmt: skip
        self.switch.ip("link", "set", port, "master", "br0", "up")
        for address in addresses:
            # Without `nodad` an IPv6 address is of no use in its first seconds.
            more = ["nodad"] if ipaddress.ip_interface(address).version == 6 else []
            machine.ip("address", "add", address, "dev", "eth0", *more)
        machine.ip("link", "set", "eth0", "up")

    def port(self, machine: Machine) -> str:
        """The switch's end of a machine's cable."""
        return "p-" + machine.namespace.removeprefix(self.tag)

    def remove(self, machine: Machine) -> None:
        """Take a machine away, so that another may have its name."""
        self.namespaces.remove(machine.namespace)
        run("ip", "netns", "del", machine.namespace)

    def close(self) -> None:
        """Take it all away."""
        for name in self.namespaces:
            with contextlib.suppress(subprocess.CalledProcessError):  # its making failed
                run("ip", "netns", "del", name)


def why_not() -> str | None:
    """Why there can be no such network here, or None."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "there is no `ip` (iproute2)"
    probe = subprocess.run(["ip", "netns", "add", f"rhprobe{os.getpid()}"], check=False, capture_output=True, text=True)
    if probe.returncode != 0:
        return f"no network namespaces here: {probe.stderr.strip()}"
    run("ip", "netns", "del", f"rhprobe{os.getpid()}")
    return None


def a_network() -> Iterator[Network]:
    """A network, or a skip with the reason."""
    if reason := why_not():
        pytest.skip(reason)
    network = Network()
    try:
        yield network
    finally:
        network.close()


def udp_socket() -> socket.socket:
    """An IPv4 socket for datagrams that sends multicast by `eth0`."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(
        socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
        socket.inet_aton("0.0.0.0") * 2 + socket.if_nametoindex("eth0").to_bytes(4, "little"),
    )  # fmt: skip
    made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
    return made
