"""Discovery under attack: a hostile neighbour costs little memory and no answer."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable, Iterator

import pytest
from zeroconf import DNSOutgoing, DNSPointer, DNSText

from restohub.limits import MDNS_PACKETS_A_SECOND
from tests.net.announced_hubs import AnnouncedHub
from tests.net.avahi import CLASS_IN, GROUP, PATIENCE_S, TYPE_PTR, addresses_of, asked, within
from tests.net.network import Machine, Network, a_network, run, udp_socket

StartHub = Callable[..., AnnouncedHub]
TYPE_TXT, TYPE_SRV, UNIQUE = 16, 33, 0x8000
ANSWER = 0x8400
GROWTH_BYTES_MAX = 20 * 1024 * 1024
FLOOD_A_SECOND = 2_000


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """A network of its own: what is sent here would stay in the others' ears."""
    yield from a_network()


@pytest.fixture(scope="module")
def listener(network: Network) -> Machine:
    """The neighbour."""
    return network.machine("listener", "10.77.0.201/24")


def hostile_packets(records: int) -> list[bytes]:
    """So many records for names of their own, small and large, and packets that are none."""
    packets = []
    for n in range(records):
        out = DNSOutgoing(ANSWER)
        name = f"{n:05d}-{os.urandom(12).hex()}._restohub._tcp.local."
        if n % 2:
            out.add_answer_at_time(DNSText(name, TYPE_TXT, CLASS_IN | UNIQUE, 4500, b"\xff" + os.urandom(255) * 5), 0)
        else:
            out.add_answer_at_time(DNSPointer("_restohub._tcp.local.", TYPE_PTR, CLASS_IN, 2**31 - 1, name), 0)
        packets += out.packets()
    loop = struct.pack("!6H", 0, ANSWER, 0, 1, 0, 0) + b"\xc0\x0c\xc0\x0c"
    junk = records // 20
    return [*packets, *(loop + os.urandom(40) for _ in range(junk)), *(os.urandom(200) for _ in range(junk))]


@pytest.mark.parametrize("records", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_hostile_records_cost_little_memory_and_no_answer(
    network: Network, listener: Machine, start_hub: StartHub, records: int
) -> None:
    hub = start_hub(network.machine(f"attacked{records}", "10.77.0.75/24"))
    host = hub.until("announced")["host"]
    packets = hostile_packets(records)
    before, slowest_s, heard = hub.memory_bytes(), 0.0, 0
    with listener.inside(udp_socket) as sock:
        for n, packet in enumerate(packets):
            sock.sendto(packet, GROUP)
            if n % 100 == 99:  # an answer is also the sign that the packets before it were taken, not dropped
                heard += addresses_of(listener, host, 5.0) == {"10.77.0.75"}
                began = hub.clock()
                assert hub.health()["status"] == "healthy"
                slowest_s = max(slowest_s, hub.clock() - began)
    grown = hub.memory_bytes() - before
    print(f"{len(packets)} packets: {grown / 2**20:.1f} MB, slowest answer {slowest_s * 1000:.0f} ms, {heard} heard")
    assert grown <= GROWTH_BYTES_MAX
    assert heard >= len(packets) // 100 * 0.9
    assert slowest_s < 1
    assert asked(listener, "_restohub._tcp.local.", TYPE_PTR, 5.0)
    hub.stop()


def read_since(hub: AnnouncedHub, before: int = 0) -> int:
    """How many datagrams the hub's machine has handed to its programs, less so many (Linux counts them, not us)."""
    table = run(*hub.machine.wrap, "cat", "/proc/net/snmp").splitlines()
    names, values = (line.split()[1:] for line in table if line.startswith("Udp: "))
    return int(dict(zip(names, values, strict=True))["InDatagrams"]) - before


@pytest.mark.parametrize("seconds", [3, pytest.param(50, marks=pytest.mark.long)])
def test_what_is_read_of_mdns_is_bounded_a_second(
    network: Network, listener: Machine, start_hub: StartHub, seconds: int
) -> None:
    hub = start_hub(network.machine(f"flooded{seconds}", "10.77.0.76/24"), "--name", "Flooded")
    hub.until("announced")
    packets = hostile_packets(2_000)
    memory, began, count = hub.memory_bytes(), time.monotonic(), 0
    before = read_since(hub)
    with listener.inside(udp_socket) as sock:
        while (passed := time.monotonic() - began) < seconds:
            while count < passed * FLOOD_A_SECOND:
                sock.sendto(packets[count % len(packets)], GROUP)
                count += 1
            time.sleep(0.002)
    read, passed = read_since(hub, before), time.monotonic() - began
    grown = hub.memory_bytes() - memory
    print(f"{count} packets in {passed:.0f} s: {read} read, {grown / 2**20:.1f} MB")
    assert count >= seconds * FLOOD_A_SECOND * 0.9
    assert 0 < read <= MDNS_PACKETS_A_SECOND * (passed + 1) + 100  # and what it hears of itself
    assert grown <= GROWTH_BYTES_MAX
    within(PATIENCE_S, lambda: asked(listener, "Flooded._restohub._tcp.local.", TYPE_SRV))
    hub.stop()
