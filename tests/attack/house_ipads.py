"""The house's own iPads during an attack: well-behaved clients, and how long their changes took."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator

from tests.access.closed_hub import bearer, pair
from tests.attack.stranger import client, ws
from tests.conftest import Hub

FRIENDS = 20
EVERY_S = 0.25


class Friends:
    """What the house's clients did: how long each change took (seconds), and what went wrong."""

    def __init__(self) -> None:
        self.took_s: list[float] = []
        self.faults: list[str] = []

    def slowest_percent_s(self, since: int = 0) -> float:
        """The 99th percentile of the changes from the one with this number on."""
        took = sorted(self.took_s[since:])
        return took[min(len(took) - 1, len(took) * 99 // 100)]


@contextlib.contextmanager
def friends(hub: Hub, restaurant: int, count: int = FRIENDS) -> Iterator[Friends]:
    """So many iPads at addresses of their own, each with a socket and four changes a second, until this ends.

    On a closed hub each is paired, and shows its token.
    """
    told, stop = Friends(), threading.Event()
    shown = [bearer(pair(hub, "host").token) if "closed" in hub.args else {} for _ in range(count)]
    threads = [
        threading.Thread(
            target=_friend, args=(hub, restaurant, f"127.0.7.{number + 1}", headers, told, stop), daemon=True
        )
        for number, headers in enumerate(shown)
    ]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)


def _friend(
    hub: Hub, restaurant: int, address: str, headers: dict[str, str], told: Friends, stop: threading.Event
) -> None:
    """One iPad: it follows the floor and changes the size of a party of its own."""
    try:
        path = f"/ws/restaurant/sync?restaurant_id={restaurant}"
        with (
            client(hub, address, headers=headers) as api,
            ws(hub, path, address, additional_headers=headers, open_timeout=60) as sock,
        ):
            reading = threading.Thread(target=_follow, args=(sock,), daemon=True)
            reading.start()
            path = f"/restaurants/{restaurant}/guests"
            guest = api.post(path, json={"name": f"Friend {address}", "partySize": 2}).json()["id"]
            size = 2
            while not stop.wait(EVERY_S):
                size = size % 8 + 1
                began = time.monotonic()
                answer = api.patch(f"{path}/{guest}", json={"partySize": size})
                told.took_s.append(time.monotonic() - began)
                if answer.status_code != 200:
                    told.faults.append(f"{answer.status_code} {answer.text[:200]}")
            if not reading.is_alive():
                told.faults.append(f"the socket of {address} was closed: {sock.close_code} {sock.close_reason}")
    except Exception as fault:  # noqa: BLE001 (a thread's fault must reach the test)
        told.faults.append(f"{type(fault).__name__}: {fault}")


def _follow(sock: Iterable[object]) -> None:
    for _ in sock:
        pass
