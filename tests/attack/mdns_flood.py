"""A neighbour who floods mDNS: `python -m tests.attack.mdns_flood KIND A_SECOND SECONDS NAME`."""

from __future__ import annotations

import os
import struct
import sys
import time
from collections.abc import Callable

from zeroconf import DNSOutgoing, DNSPointer, DNSQuestion, DNSService, DNSText

from tests.net.avahi import CLASS_IN, GROUP, TYPE_ANY, TYPE_PTR
from tests.net.network import udp_socket

SERVICE = "_restohub._tcp.local."
TYPE_A, TYPE_TXT, TYPE_SRV, UNIQUE, ANSWER = 1, 16, 33, 0x8000, 0x8400
LONGEST_BYTES = 8_900
DIFFERENT = 8_000


def unique(number: int, _: str) -> bytes:
    """A hub that nobody has heard of yet, for ever."""
    name, out = f"{number:06d}-{os.urandom(6).hex()}.{SERVICE}", DNSOutgoing(ANSWER)
    out.add_answer_at_time(DNSPointer(SERVICE, TYPE_PTR, CLASS_IN, 2**31 - 1, name), 0)
    out.add_answer_at_time(DNSService(name, TYPE_SRV, CLASS_IN | UNIQUE, 2**31 - 1, 0, 0, 80, f"h{number}.local."), 0)
    return out.packets()[0]


def large(number: int, _: str) -> bytes:
    """A TXT record of 1,281 bytes."""
    name, out = f"{number}-{os.urandom(6).hex()}.{SERVICE}", DNSOutgoing(ANSWER)
    out.add_answer_at_time(DNSText(name, TYPE_TXT, CLASS_IN | UNIQUE, 4500, b"\xff" + os.urandom(255) * 5), 0)
    return out.packets()[0]


def question(number: int, hub: str) -> bytes:
    """Four questions for the hub, by multicast and for an answer to the asker alone in turns."""
    out = DNSOutgoing(0)
    for name in (SERVICE, "_http._tcp.local.", "_services._dns-sd._udp.local."):
        out.add_question(DNSQuestion(name, TYPE_PTR, CLASS_IN | (UNIQUE if number % 2 else 0)))
    out.add_question(DNSQuestion(f"{hub}.{SERVICE}", TYPE_ANY, CLASS_IN))
    return out.packets()[0]


def crowded(number: int, _: str) -> bytes:
    """As many addresses as a packet holds: 550."""
    record = struct.pack("!HHIH", TYPE_A, CLASS_IN, 4500, 4)
    count = (LONGEST_BYTES - 30) // 16
    first = b"\x06%06d\x05local\x00" % number + record + os.urandom(4)
    others = b"".join(b"\xc0\x0c" + record + os.urandom(4) for _ in range(count - 1))
    return struct.pack("!6H", 0, ANSWER, 0, count, 0, 0) + first + others


KINDS: dict[str, Callable[[int, str], bytes]] = {
    "unique": unique,
    "large": large,
    "question": question,
    "crowded": crowded,
}


def flood(kind: str, a_second: int, seconds: float, hub: str) -> int:
    """Send so many a second for so long; how many were sent."""
    packets = [KINDS[kind](number, hub) for number in range(min(DIFFERENT, int(a_second * seconds)))]
    began, count = time.monotonic(), 0
    with udp_socket() as sock:
        while (passed := time.monotonic() - began) < seconds:
            while count < passed * a_second:
                sock.sendto(packets[count % len(packets)], GROUP)
                count += 1
            time.sleep(0.001)
    return count


if __name__ == "__main__":
    print(flood(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]))
