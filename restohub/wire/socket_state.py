"""One socket's life as a state machine: what came in, what is to be done, and no I/O."""

from __future__ import annotations

from collections import deque
from typing import Any

from msgspec import Struct

from restohub.floor.verdicts import Refused, quoted
from restohub.limits import MESSAGE_VALUES_MAX, MESSAGES_A_SECOND_MAX

from .inputs import INTEGER_MAX
from .problems import Problem
from .strict_json import read_json

HEARTBEAT_S = 30

BAD_PARAMETER, TOKEN_REFUSED, UNKNOWN_RESTAURANT, GONE_SILENT = 4400, 4401, 4404, 4408
TOO_MANY, TOO_BIG, GOING_AWAY, HUB_FAULT, TRY_AGAIN_LATER = 1008, 1009, 1001, 1011, 1013


class SayPong(Struct, frozen=True):
    """Answer a ping."""


class SayError(Struct, frozen=True):
    """Say what is wrong with a message."""

    refused: Refused


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


Wish = SayPong | SayError | SendFullSync | SendDelta | Close


class Session:
    """What the hub knows of one socket beside its cursor: how often it speaks and what it may ask for.

    `restaurant_id` is the one it was opened for, None for all. Times are seconds of a monotonic clock.
    """

    def __init__(self, restaurant_id: int | None) -> None:
        self.restaurant_id = restaurant_id
        self._recent: deque[float] = deque()

    def heard(self, message: str | bytes, now: float) -> list[Wish]:
        """What a message asks for."""
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        self._recent.append(now)
        if len(self._recent) > MESSAGES_A_SECOND_MAX:
            hint = f"More than {MESSAGES_A_SECOND_MAX} messages in a second. Connect again and ask less often."
            return [SayError(Refused("too_many_messages", hint=hint)), Close(TOO_MANY, "too many messages")]
        if isinstance(message, bytes):
            return [_unknown("The hub speaks JSON text, not binary messages.")]
        wish = self._wish(message)
        return [] if wish is None else [wish]

    def _wish(self, text: str) -> Wish | None:
        try:
            message = read_json(text.encode(), MESSAGE_VALUES_MAX)
        except Problem as fault:
            hint = fault.refused.hint.replace("The body", "The message", 1)
            return SayError(Refused("invalid_json", hint=hint))
        except UnicodeEncodeError:
            return SayError(Refused("invalid_json", hint="The message is not UTF-8."))
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            return _unknown('A message is an object with a "type", such as {"type": "ping"}.')
        match message["type"]:
            case "ping":
                return SayPong()
            case "pong":
                return None
            case "request_full_sync":
                return self._ask(message)
            case "request_delta":
                return self._ask_delta(message)
            case other:
                known = "ping, pong, request_full_sync and request_delta"
                return _unknown(f"There is no message {quoted(other)}. The hub knows {known}.")

    def _ask(self, message: dict[str, Any]) -> SendFullSync | SayError:
        names = [message[key] for key in ("restaurant_id", "restaurantId") if message.get(key) is not None]
        named = names[0] if names else self.restaurant_id
        if names[1:] not in ([], [named]):
            return _unknown("restaurant_id and restaurantId name two restaurants: name one.")
        if type(named) is not int:
            return _unknown("Name the restaurant: add its restaurant_id, an integer.")
        if self.restaurant_id is not None and named != self.restaurant_id:
            return _unknown(f"This socket is for restaurant {self.restaurant_id} only.")
        return SendFullSync(named)

    def _ask_delta(self, message: dict[str, Any]) -> Wish:
        since = message.get("since_revision", message.get("sinceRevision"))
        if type(since) is not int or not 0 <= since <= INTEGER_MAX:
            return _unknown("request_delta needs a since_revision: the revision that you have.")
        asked = self._ask(message)
        return SendDelta(asked.restaurant_id, since) if isinstance(asked, SendFullSync) else asked


def _unknown(hint: str) -> SayError:
    return SayError(Refused("invalid_message", hint=hint))
