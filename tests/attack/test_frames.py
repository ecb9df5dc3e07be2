"""Floods of WebSocket frames: each is closed in time, and costs the house's iPads nothing."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from restohub.limits import FRAGMENTS_MAX, FRAMES_A_SECOND_MAX
from tests.attack.house_ipads import friends
from tests.attack.raw_frames import CONTINUATION, PING, PONG, TEXT, Ending, ending, frame, read_head, upgrade
from tests.attack.stranger import STRANGER, peak_rss_mb, read_to_end
from tests.conftest import Hub

FLOODS = {
    "pings": frame(PING, b"ping") * 40_000,
    "pongs that nobody asked for": frame(PONG) * 40_000,
    "empty texts": frame(TEXT) * 40_000,
    "texts": frame(TEXT, b'{"type":"pong"}') * 10_000,
    "continuations without an end": frame(TEXT, last=False) + frame(CONTINUATION, last=False) * 40_000,
    "65 fragments": frame(TEXT, b"{", last=False) + frame(CONTINUATION, b" ", last=False) * FRAGMENTS_MAX,
}
TOO_MANY_FRAMES = (1008, f"more than {FRAMES_A_SECOND_MAX} frames in a second")
TOO_MANY_FRAGMENTS = (1008, f"more than {FRAGMENTS_MAX} fragments in a message")


def flooded(sock: socket.socket, frames: bytes, times: int = 1) -> Ending:
    """How the hub ends a socket that has joined, and sends all this at once."""

    def send() -> None:
        try:
            for _ in range(times):
                sock.sendall(frames)
        except OSError:  # the hub reads no more of it
            pass

    sending = threading.Thread(target=send, daemon=True)
    sending.start()
    ended = ending(read_to_end(sock))
    sending.join(10)
    sock.close()
    return ended


def mib_taken(sock: socket.socket, mib: int) -> int:
    """How many MiB of pings the network takes of one who sends on after his flood, until the hub cuts him off."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    piece = frame(PING, b"x" * 122) * 8192
    taken = 0
    with sock, contextlib.suppress(OSError):
        while taken < mib:
            sock.sendall(piece)
            taken += 1
    return taken


def joins(sock: socket.socket) -> bool:
    """Whether a connection became a socket."""
    return read_head(sock).startswith(b"HTTP/1.1 101 ")


def test_a_flood_of_frames_of_any_kind_ends_its_socket(target: Hub) -> None:
    def attack(flood: bytes) -> Ending:
        sock = upgrade(target)
        assert joins(sock)
        return flooded(sock, flood)

    with ThreadPoolExecutor(len(FLOODS) + 1) as attackers:
        goes_on = upgrade(target)
        assert joins(goes_on)
        taken = attackers.submit(mib_taken, goes_on, 64)
        ends = dict(zip(FLOODS, attackers.map(attack, FLOODS.values()), strict=True))
    assert taken.result() < 16, "nothing more is read"
    for kind, ended in ends.items():
        closed_with = TOO_MANY_FRAGMENTS if kind == "65 fragments" else TOO_MANY_FRAMES
        assert (ended.code, ended.reason) == closed_with, kind
        assert ended.texts, f"nothing was said before the close of {kind}"
        assert json.loads(ended.texts[-1])["error_code"] == "too_many_messages", kind


def test_a_message_of_64_fragments_and_200_frames_in_a_second_are_taken(target: Hub) -> None:
    ask = b'{"type":' + b" " * (FRAGMENTS_MAX - 2) + b'"ping"}'
    pieces = [ask[:8], *(ask[at : at + 1] for at in range(8, 8 + FRAGMENTS_MAX - 2)), ask[8 + FRAGMENTS_MAX - 2 :]]
    assert len(pieces) == FRAGMENTS_MAX
    frames = frame(TEXT, pieces[0], last=False)
    frames += b"".join(frame(CONTINUATION, piece, last=False) for piece in pieces[1:-1])
    frames += frame(CONTINUATION, pieces[-1])
    frames += frame(PONG) * (FRAMES_A_SECOND_MAX - FRAGMENTS_MAX - 1)  # and its goodbye
    with upgrade(target) as sock:
        answer = read_head(sock)
        sock.sendall(frames)
        while b'"pong"' not in answer:
            part = sock.recv(65536)
            assert part, answer
            answer += part
        time.sleep(0.05)
        sock.sendall(frame(8, b"\x03\xe8"))
        assert ending(read_to_end(sock)).code == 1000


def test_50_texts_a_second_are_taken(target: Hub) -> None:
    with upgrade(target) as sock:
        answer = read_head(sock)
        sock.sendall(frame(TEXT, b'{"type":"ping"}') * 50)
        while answer.count(b'"pong"') < 50:
            part = sock.recv(65536)
            assert part, answer
            answer += part


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_of_frames_costs_the_house_nothing_it_would_notice(besieged: Hub, kind: str) -> None:
    restaurant = besieged.new_restaurant()
    with friends(besieged, restaurant) as house:
        time.sleep(8)
        before, quiet_s = len(house.took_s), house.slowest_percent_s()
        end = time.monotonic() + 15

        def attack() -> None:
            while time.monotonic() < end:
                with contextlib.suppress(OSError), upgrade(besieged, STRANGER) as sock:
                    if joins(sock):
                        ends.append(flooded(sock, FLOODS[kind], times=20))
                        continue
                time.sleep(0.1)  # over the rate of new sockets, or of handshakes

        ends: list[Ending] = []
        attackers = [threading.Thread(target=attack, daemon=True) for _ in range(8)]
        for attacker in attackers:
            attacker.start()
        for attacker in attackers:
            attacker.join(60)
        attacked_s = house.slowest_percent_s(before)
    print(
        f"{len(ends)} floods: p99 {quiet_s * 1e3:.0f} ms, then {attacked_s * 1e3:.0f}; {peak_rss_mb(besieged):.0f} MB"
    )
    assert len(ends) > 20
    assert house.faults == []
    assert attacked_s < max(10 * quiet_s, 0.25), (quiet_s, attacked_s)
