"""Reading a request: each fault has its own code, in the order that the contract gives."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import UNSET, UnsetType

from restohub.access.devices import Device
from restohub.access.tokens import shown_token
from restohub.floor.model import Floor
from restohub.floor.outcomes import QUOTED_MAX, Fault, quoted, restaurant_not_found
from restohub.limits import BODY_BYTES_MAX, PARAMETERS_MAX
from restohub.live.address_usage import Caller
from restohub.live.hub import Hub
from restohub.wire.inputs import INTEGER_MAX, checked_key, refuse
from restohub.wire.problems import Problem, bad_query, problem
from restohub.wire.strict_json import NESTING, read_json
from restohub.wire.times import read_time

from .adopted import adopted_device
from .error_handlers import CALLER

DEFAULT_RESTAURANT = 1
JSON_TYPE = re.compile(r"application/(?:[\w.+-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)
RESTAURANT = re.compile(r"\d{1,16}", re.ASCII)
INTEGER = re.compile(r"-?\d{1,20}", re.ASCII)
STRONG_TAG = re.compile(r'(?:^|,)\s*"(\d{1,16})"\s*(?=,|$)', re.ASCII)

# No object of the contract has as many.
KEYS_UNSORTED_MAX = 64

_canonical = msgspec.json.Encoder(order="sorted").encode


class Request:
    """A request as a handler reads it, and the hub that answers it.

    litestar's own makes ready for each request what no handler asks for.
    """

    __slots__ = ("_device", "_headers", "hub", "receive", "scope")

    def __init__(self, scope: Any, receive: Any, hub: Hub) -> None:
        self.scope = scope
        self.receive = receive
        self.hub = hub
        self._headers: dict[bytes, bytes] | None = None
        self._device: Device | UnsetType | None = UNSET

    @property
    def caller(self) -> Caller:
        """Whoever sends it, with what that address has used."""
        caller: Caller = self.scope[CALLER]
        return caller

    @property
    def path_params(self) -> dict[str, Any]:
        """What the path gives for the names in the route."""
        found: dict[str, Any] = self.scope["path_params"]
        return found

    @property
    def device(self) -> Device | None:
        """Which device sent it, as it was known when it began: by its token, else as it was adopted (None: none)."""
        if self._device is UNSET:
            header, access = self.authorization, self.hub.access
            self._device = None if header is None else access.of_header(header)
            if self._device is None and access.adopts:
                self._device = adopted_device(self.hub, header, self.caller)
        return self._device

    def forget_device(self) -> None:
        """Have the device looked for anew: since the request began it may have been revoked."""
        self._device = UNSET

    @property
    def token(self) -> bytes:
        """What the request shows as a token, whatever it is; b"" where it shows none."""
        return shown_token(self.authorization)

    @property
    def authorization(self) -> bytes | None:
        """Its `Authorization`, None where it has none."""
        return (self._headers or self._read_headers()).get(b"authorization")

    def header(self, name: bytes) -> str | None:
        """A header, several lines of it as one (RFC 9110, section 5.3); None where the request has none."""
        found = (self._headers or self._read_headers()).get(name)
        return None if found is None else found.decode("latin-1")

    def _read_headers(self) -> dict[bytes, bytes]:
        sent = self.scope["headers"]
        headers = dict(sent)
        if len(headers) < len(sent):
            headers = {}
            for line, value in sent:
                headers[line] = headers[line] + b", " + value if line in headers else value
        self._headers = headers
        return headers


class ClientGoneError(Exception):
    """The client hung up in the middle of its request."""


class Query:
    """The query of a request: what was given, each name once unless it may repeat."""

    def __init__(self, request: Request) -> None:
        raw = request.scope["query_string"].decode("latin-1")
        try:
            self.pairs = parse_qsl(raw, keep_blank_values=True, max_num_fields=PARAMETERS_MAX) if raw else []
        except ValueError:
            raise problem("invalid_query", f"The query has more than {PARAMETERS_MAX} parameters.") from None

    def allow_only(self, *known: str) -> None:
        """Refuse a parameter that is not one of these."""
        for name, _ in self.pairs:
            if name not in known:
                detail = f"There is no parameter {quoted(name)} here. Known: {', '.join(known)}."
                raise bad_query(name[:QUOTED_MAX], detail)

    def values(self, *names: str) -> list[str]:
        """Every value of a parameter, in any of its spellings."""
        return [value for name, value in self.pairs if name in names]

    def value(self, *names: str) -> str | None:
        """The value of a parameter that may be given once, None where it is not."""
        values = self.values(*names)
        if len(values) > 1:
            raise bad_query(names[0], f"{names[0]} is given {len(values)} times: give it once.")
        return values[0] if values else None

    def integer(self, *names: str, least: int = 0, most: int = INTEGER_MAX) -> int | None:
        """A whole number within bounds, None where it is not given."""
        text = self.value(*names)
        if text is None:
            return None
        if not INTEGER.fullmatch(text) or not least <= int(text) <= most:
            raise bad_query(names[0], f"{names[0]} must be a whole number from {least} to {most}, not {quoted(text)}.")
        return int(text)

    def time(self, name: str) -> int | None:
        """A time in whole UTC seconds; a space counts as the `+` that URLQueryItem does not escape."""
        text = self.value(name)
        if text is None:
            return None
        seconds = read_time(text.replace(" ", "+"))
        if seconds is None:
            raise bad_query(name, f"{name} must be a date-time such as 2024-01-15T10:30:00Z, not {quoted(text)}.")
        return seconds

    def named_restaurant(self) -> int | None:
        """The restaurant that the query names, None where it names none."""
        return self.integer("restaurant_id", "restaurantId", least=1)

    def restaurant_id(self) -> int:
        """The restaurant that the query names, by default the first."""
        return self.named_restaurant() or DEFAULT_RESTAURANT


async def read_body(request: Request, most: int = BODY_BYTES_MAX) -> bytes:
    """The body of a request; raises Problem `body_too_large` as soon as that is known."""
    announced = request.header(b"content-length")
    if announced is not None and announced.isdecimal() and int(announced) > most:
        raise _too_large(most)
    body = bytearray()  # parts of a byte each would weigh fifty times as much
    while True:
        message: Any = await request.receive()
        if message["type"] == "http.disconnect":
            body.clear()  # what handles a fault may keep its frames for long
            raise ClientGoneError
        if len(body) + len(message["body"]) > most:
            body.clear()
            raise _too_large(most)
        if not message["more_body"] and not body:
            whole: bytes = message["body"]
            return whole
        body += message["body"]
        if not message["more_body"]:
            return bytes(body)
        del message  # or its part would be held twice until the next one comes


def _too_large(most: int) -> Problem:
    return problem("body_too_large", f"The body is larger than {most // 1024} KiB. Send less at a time.")


def read_document(request: Request, body: bytes) -> Any:
    """The JSON document of a body; raises Problem `unsupported_media_type`, `invalid_json`."""
    if not body:
        raise problem("invalid_json", "The body is empty. Send a JSON object.")
    media_type = request.header(b"content-type") or ""
    if not JSON_TYPE.fullmatch(media_type):
        what = repr(media_type[:60]) if media_type else "no Content-Type"
        raise problem("unsupported_media_type", f"Send the body as Content-Type: application/json, not {what}.")
    return read_json(body)


def floor_of(hub: Hub, restaurant_id: int) -> Floor:
    """The published floor of a restaurant; raises Problem `restaurant_not_found`."""
    floor = hub.writer.floors.get(restaurant_id)
    if floor is None:
        raise Problem(restaurant_not_found(restaurant_id))
    return floor


def path_restaurant(request: Request) -> int:
    """The restaurant that the path names.

    Raises Problem `restaurant_not_found` for what is no number, `validation_failed` where the query names another.
    """
    text = str(request.path_params["restaurant_id"])
    if not RESTAURANT.fullmatch(text) or not 1 <= int(text) <= INTEGER_MAX:
        raise Problem(restaurant_not_found(text))
    number = int(text)
    if b"restaurant" in request.scope["query_string"]:  # to read a query costs 4 µs
        named = Query(request).named_restaurant()
        if named is not None and named != number:
            hint = f"The query names restaurant {named}, the path names {number}. Name one."
            refuse([Fault("?restaurant_id", hint)])
    return number


def path_entity(request: Request, kind: str) -> str:
    """The id of the guest or table that the path names."""
    return str(request.path_params[f"{kind}_id"])


def idempotency_key(request: Request) -> str | None:
    """The request's `Idempotency-Key`, None where it has none; raises Problem for one that cannot be kept."""
    key = request.header(b"idempotency-key")
    return None if key is None else checked_key(key, "Idempotency-Key")


def request_digest(request: Request, document: Any) -> bytes:
    """What a repetition must share: method, path, query and the body as data, not as bytes."""
    query = sorted(Query(request).pairs)
    line = _canonical([request.scope["method"], request.scope["path"], query])
    return sha256(line + b"\n" + _canonical(in_order(document))).digest()


def in_order(value: Any) -> Any:
    """A document whose large objects have their keys in order.

    msgspec sorts by itself, but takes 15 s for 75,000 keys in order of which the last belongs before the first.
    """
    if type(value) is dict:
        keys = sorted(value) if len(value) > KEYS_UNSORTED_MAX else value
        return {key: in_order(item) if type(item := value[key]) in NESTING else item for key in keys}
    if type(value) is list:
        return [in_order(item) if type(item) in NESTING else item for item in value]
    return value


def accepted_versions(request: Request) -> tuple[int, ...] | None:
    """The versions that `If-Match` accepts, None where any is (`*`, or no header)."""
    wanted = request.header(b"if-match")
    if wanted is None or wanted.strip() == "*":
        return None
    return tuple(int(tag) for tag in STRONG_TAG.findall(wanted))
