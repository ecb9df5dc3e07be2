"""This file is discovery under attack: a hostile neighbour costs little memory and no answer."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator

import pytest
from zeroconf import DNSOutgoing, DNSPointer, DNSService, DNSText

from tests.advertise.hubs import AnnouncedHub
from tests.advertise.network import Machine, Network, a_network, udp_socket
from tests.advertise.pad import CLASS_IN, GROUP, PATIENCE_S, TYPE_PTR, addresses_of, asked, within

StartHub = Callable[..., AnnouncedHub]
TYPE_TXT, TYPE_SRV, UNIQUE = 16, 33, 0x8000
ANSWER = 0x8400
HOSTILE_RECORDS, GROWTH_BYTES_MAX = 10_000, 20 * 1024 * 1024


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """A network of its own: what is sent here would stay in the others' ears."""
    yield from a_network()


@pytest.fixture(scope="module")
def listener(network: Network) -> Machine:
    """The neighbour."""
    return network.machine("listener", "10.77.0.201/24")


@pytest.mark.long
def test_one_who_claims_a_hubs_names_gets_the_first_and_the_hub_stays_found(
    network: Network, listener: Machine, start_hub: StartHub
) -> None:
    hub = start_hub(network.machine("robbed", "10.77.0.74/24"), "--name", "Mine")
    host = hub.until("announced")["host"]
    second = f"Mine ({host[9:15]})"
    out = DNSOutgoing(ANSWER)
    for name in ("Mine", second):
        full = f"{name}._restohub._tcp.local."
        out.add_answer_at_time(DNSService(full, TYPE_SRV, CLASS_IN | UNIQUE, 120, 0, 0, 1, "aaa.local."), 0)
    with listener.inside(udp_socket) as sock:

        def robbed() -> bool:
            sock.sendto(out.packets()[0], GROUP)
            return bool(hub.discovery()["name"] == second)

        within(PATIENCE_S, robbed)
    found = asked(listener, "_restohub._tcp.local.", TYPE_PTR)
    assert [one.alias for one in found if isinstance(one, DNSPointer)] == [f"{second}._restohub._tcp.local."]
    assert addresses_of(listener, host) == {"10.77.0.74"}


def hostile_packets() -> list[bytes]:
    """10,000 records for names of their own, small and large, and packets that are none."""
    packets = []
    for n in range(HOSTILE_RECORDS):
        out = DNSOutgoing(ANSWER)
        name = f"{n:05d}-{os.urandom(12).hex()}._restohub._tcp.local."
        if n % 2:
            out.add_answer_at_time(DNSText(name, TYPE_TXT, CLASS_IN | UNIQUE, 4500, b"\xff" + os.urandom(255) * 5), 0)
        else:
            out.add_answer_at_time(DNSPointer("_restohub._tcp.local.", TYPE_PTR, CLASS_IN, 2**31 - 1, name), 0)
        packets += out.packets()
    loop = struct.pack("!6H", 0, ANSWER, 0, 1, 0, 0) + b"\xc0\x0c\xc0\x0c"
    return [*packets, *(loop + os.urandom(40) for _ in range(500)), *(os.urandom(200) for _ in range(500))]


def test_10_000_hostile_records_cost_little_memory_and_no_answer(
    network: Network, listener: Machine, start_hub: StartHub
) -> None:
    hub = start_hub(network.machine("attacked", "10.77.0.75/24"))
    host = hub.until("announced")["host"]
    packets = hostile_packets()
    before, slowest_s, heard = hub.memory_bytes(), 0.0, 0
    with listener.inside(udp_socket) as sock:
        for n, packet in enumerate(packets):
            sock.sendto(packet, GROUP)
            if n % 100 == 99:  # an answer is also the sign that the packets before it were taken, not dropped
                heard += addresses_of(listener, host) == {"10.77.0.75"}
            if n % 1000 == 999:
                began = hub.clock()
                assert hub.health()["status"] == "healthy"
                slowest_s = max(slowest_s, hub.clock() - began)
    grown = hub.memory_bytes() - before
    print(f"{len(packets)} packets: {grown / 2**20:.1f} MB, slowest answer {slowest_s * 1000:.0f} ms, {heard} heard")
    assert grown <= GROWTH_BYTES_MAX
    assert heard >= len(packets) // 100 * 0.9
    assert slowest_s < 1
    assert asked(listener, "_restohub._tcp.local.", TYPE_PTR)
