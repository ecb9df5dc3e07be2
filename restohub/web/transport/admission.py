"""Admission: which connections and sockets the hub holds at once, and which gives way when it is full."""

from __future__ import annotations

from collections.abc import Callable, Sized
from operator import attrgetter
from typing import Any

from restohub.floor.outcomes import Refused, rate_limited
from restohub.limits import (
    CONNECTIONS_AN_ADDRESS,
    CONNECTIONS_MAX,
    HOLDS_FEW,
    SOCKETS_A_SECOND,
    SOCKETS_AN_ADDRESS,
    SOCKETS_BURST,
    SOCKETS_MAX,
)
from restohub.live.address_usage import Caller, Callers, OpenConnection

from .pending_bodies import Bodies
from .read_buffer import Turns

FULL_HOUSE = "The hub has as many devices connected as it can serve. Try again in a moment."
FULL = Refused("busy", FULL_HOUSE, hint="The hub has as many connections as it can serve. Connect again in a second.")
FULL_OF_SOCKETS = Refused("busy", FULL_HOUSE, hint="The hub has as many sockets open as it can serve.")
SHARED = "Close some; if many devices share the address, list it in the hub's shared_addresses."
ALL_CONNECTIONS = Refused(
    "busy",
    hint=f"Your address has {CONNECTIONS_AN_ADDRESS} connections to the hub. {SHARED}",
)
ALL_SOCKETS = Refused(
    "busy",
    hint=f"Your address has {SOCKETS_AN_ADDRESS} sockets of the hub open. {SHARED}",
)
TOO_MANY_NEW = rate_limited(
    "This device connects too often. Try again in a moment.",
    1,  # one more socket of the next second is within the rate again
    f"Your address opens more than {SOCKETS_A_SECOND} sockets a second, after {SOCKETS_BURST} at once. Wait a second.",
)

connections_of: Callable[[Caller], dict[object, Any]] = attrgetter("connections")
sockets_of: Callable[[Caller], dict[object, Any]] = attrgetter("sockets")


class Admission:
    """The connections of all addresses together. Each is known by its transport, from before an upgrade to its end."""

    def __init__(self, callers: Callers) -> None:
        self.callers = callers
        self.bodies = Bodies()
        self.turns = Turns()
        self.connections = 0
        self.sockets = 0
        self._present: dict[Caller, None] = {}

    def connect(self, key: object, caller: Caller, connection: OpenConnection) -> Refused | None:
        """Take in a new connection; why not, where there is no place for it."""
        if len(caller.connections) >= CONNECTIONS_AN_ADDRESS and not caller.shared:
            return ALL_CONNECTIONS
        if self.connections >= CONNECTIONS_MAX and not self._make_room(caller, connections_of):
            return FULL
        caller.connections[key] = connection
        self._present[caller] = None
        self.connections += 1
        return None

    def open_socket(self, key: object, caller: Caller) -> Refused | None:
        """Let a connection become a socket; why not, where it may not."""
        now = self.callers.now()
        if not caller.shared:
            if not caller.new_sockets.takes(1, now):
                return TOO_MANY_NEW
            if len(caller.sockets) >= SOCKETS_AN_ADDRESS:
                return ALL_SOCKETS
        if self.sockets >= SOCKETS_MAX and not self._make_room(caller, sockets_of):
            return FULL_OF_SOCKETS
        caller.sockets[key] = now
        self.sockets += 1
        return None

    def leave(self, key: object, caller: Caller) -> None:
        """A connection has ended, or is about to."""
        if caller.connections.pop(key, None) is None:
            return
        self.connections -= 1
        if not caller.connections:
            del self._present[caller]
        if caller.end_socket(key, self.callers.now()):
            self.sockets -= 1

    def _make_room(self, newcomer: Caller, held_by: Callable[[Caller], dict[object, Any]]) -> bool:
        """End the newest one of whoever holds most; False where that is the newcomer's, or all hold few."""
        caller = self._gives_way(newcomer, held_by)
        if caller is None or caller is newcomer:
            return False
        key = next(reversed(held_by(caller)))
        connection = caller.connections[key]
        self.leave(key, caller)
        connection.give_way()
        return True

    def _gives_way(self, newcomer: Caller, held_by: Callable[[Caller], Sized]) -> Caller | None:
        """Who holds most, the newcomer's new one counted; strangers before those of the house."""
        now = self.callers.now()
        many = [
            (not caller.known(now), count, caller is newcomer, caller)
            for caller in {**self._present, newcomer: None}
            if (count := len(held_by(caller)) + (caller is newcomer)) > HOLDS_FEW
        ]
        return max(many, key=lambda one: one[:3])[3] if many else None
