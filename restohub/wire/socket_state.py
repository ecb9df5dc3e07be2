"""The state machine of one socket: a message or a moment comes in, actions come out, and there is no I/O."""

from __future__ import annotations

from collections import deque
from typing import Any

from msgspec import Struct

from restohub.floor.outcomes import Refused, quoted
from restohub.limits import MESSAGE_VALUES_MAX, MESSAGES_A_SECOND_MAX, SILENCE_MAX_S, STUCK_MAX_S

from .inputs import INTEGER_MAX
from .problems import Problem
from .strict_json import read_json

HEARTBEAT_S = 30

BAD_PARAMETER, TOKEN_REFUSED, UNKNOWN_RESTAURANT, GONE_SILENT = 4400, 4401, 4404, 4408
TOO_MANY, TOO_BIG, GOING_AWAY, HUB_FAULT, TRY_AGAIN_LATER = 1008, 1009, 1001, 1011, 1013


class SendPong(Struct, frozen=True):
    """Answer a ping."""


class SendPing(Struct, frozen=True):
    """Send the heartbeat, with the revision that this socket was sent (None: it follows all restaurants)."""

    revision: int | None


class SendError(Struct, frozen=True):
    """Say what is wrong with a message."""

    refused: Refused


class Identify(Struct, frozen=True):
    """The client says by a token which device it is."""

    token: str


class SendFullSync(Struct, frozen=True):
    """Send the whole floor."""

    restaurant_id: int


class SendDelta(Struct, frozen=True):
    """Send what changed since a revision."""

    restaurant_id: int
    since_revision: int


class Close(Struct, frozen=True):
    """Close the socket."""

    code: int
    reason: str


SocketAction = SendPong | SendPing | SendError | Identify | SendFullSync | SendDelta | Close


class SocketState:
    """What the hub knows of one socket beside its place in the feed: how often it speaks, and when it was last well.

    `restaurant_id` is the one it was opened for, None for all. Times are seconds of a monotonic clock.
    """

    def __init__(self, restaurant_id: int | None, now: float) -> None:
        self.restaurant_id = restaurant_id
        self._recent: deque[float] = deque()
        self._ping_due = now + HEARTBEAT_S
        self._taken = 0
        self._taking_since = now

    def tick(
        self, now: float, *, heard_at: float, taken: int, waiting: bool, revision: int | None
    ) -> list[SocketAction]:
        """What is due, asked about once a second: a heartbeat, or the end of a socket whose peer is silent or stuck.

        `heard_at`: when anything last came from the peer. `taken`: how many bytes its network has taken so far;
        `waiting`: whether more are waiting. `revision`: what the socket was sent.
        """
        if now - heard_at >= SILENCE_MAX_S:
            return [Close(GONE_SILENT, "nothing was heard for a minute")]
        if taken > self._taken or not waiting:
            self._taken, self._taking_since = taken, now
        elif now - self._taking_since >= STUCK_MAX_S:
            return [Close(GONE_SILENT, "nothing was taken for half a minute")]
        if now < self._ping_due:
            return []
        self._ping_due = now + HEARTBEAT_S
        return [SendPing(revision)]

    def on_message(self, message: str | bytes, now: float) -> list[SocketAction]:
        """What a message asks for."""
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        self._recent.append(now)
        if len(self._recent) > MESSAGES_A_SECOND_MAX:
            hint = f"More than {MESSAGES_A_SECOND_MAX} messages in a second. Connect again and ask less often."
            return [SendError(Refused("too_many_messages", hint=hint)), Close(TOO_MANY, "too many messages")]
        if isinstance(message, bytes):
            return [_unknown("The hub speaks JSON text, not binary messages.")]
        action = self._read(message)
        return [] if action is None else [action]

    def _read(self, text: str) -> SocketAction | None:
        try:
            message = read_json(text.encode(), MESSAGE_VALUES_MAX)
        except Problem as fault:
            hint = fault.refused.hint.replace("The body", "The message", 1)
            return SendError(Refused("invalid_json", hint=hint))
        except UnicodeEncodeError:
            return SendError(Refused("invalid_json", hint="The message is not UTF-8."))
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            return _unknown('A message is an object with a "type", such as {"type": "ping"}.')
        match message["type"]:
            case "ping":
                return SendPong()
            case "pong":
                return None
            case "auth":
                return _identified(message)
            case "request_full_sync":
                return self._full_sync(message)
            case "request_delta":
                return self._delta(message)
            case other:
                known = "ping, pong, request_full_sync and request_delta"
                return _unknown(f"There is no message {quoted(other)}. The hub knows {known}.")

    def _full_sync(self, message: dict[str, Any]) -> SendFullSync | SendError:
        names = [message[key] for key in ("restaurant_id", "restaurantId") if message.get(key) is not None]
        named = names[0] if names else self.restaurant_id
        if names[1:] not in ([], [named]):
            return _unknown("restaurant_id and restaurantId name two restaurants: name one.")
        if type(named) is not int:
            return _unknown("Name the restaurant: add its restaurant_id, an integer.")
        if self.restaurant_id is not None and named != self.restaurant_id:
            return _unknown(f"This socket is for restaurant {self.restaurant_id} only.")
        return SendFullSync(named)

    def _delta(self, message: dict[str, Any]) -> SocketAction:
        since = message.get("since_revision", message.get("sinceRevision"))
        if type(since) is not int or not 0 <= since <= INTEGER_MAX:
            return _unknown("request_delta needs a since_revision: the revision that you have.")
        asked = self._full_sync(message)
        return SendDelta(asked.restaurant_id, since) if isinstance(asked, SendFullSync) else asked


def token_said(text: str) -> str | None:
    """The token of an `auth` message, None where it is another one."""
    actions = SocketState(None, 0).on_message(text, 0)
    return next((action.token for action in actions if isinstance(action, Identify)), None)


def _identified(message: dict[str, Any]) -> SocketAction:
    token = message.get("token")
    return Identify(token) if isinstance(token, str) else _unknown("auth needs a token: a text.")


def _unknown(hint: str) -> SendError:
    return SendError(Refused("invalid_message", hint=hint))
