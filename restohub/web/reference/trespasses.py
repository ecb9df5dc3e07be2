"""This file is what goes wrong in the reference's evening: one request for each error code."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from restohub.floor.verdicts import Refused
from restohub.limits import MESSAGES_A_SECOND_MAX
from restohub.web.guard import NOT_PERMITTED
from restohub.web.transport.pace import TOO_SLOW
from restohub.wire.answers import encode
from restohub.wire.messages import ErrorMessage
from restohub.wire.messages import encode as encode_message
from restohub.wire.problems import CODES, document
from restohub.wire.session import SayError, Session
from restohub.wire.times import time_text

from .rehearsal import Exchange, Rehearsal


class Trespass(Struct, frozen=True):
    """A request that is refused; `raw` is sent where the body is no JSON."""

    method: str
    target: str
    body: Any = None
    sent: dict[str, str] = {}
    raw: bytes = b""


GUESTS, TABLES = "/restaurants/1/guests", "/restaurants/1/tables"
PARTY = {"name": "Weber", "partySize": 2}
KEY = {"Idempotency-Key": "one-key-twice"}

# What must be there first: a party at table 12, a table out of service, a key that was used.
BEFORE = (
    Trespass("PATCH", GUESTS + "/g2", {"tableId": "t12", "status": "seated"}),
    Trespass("PATCH", TABLES + "/t30", {"status": "outOfService"}),
    Trespass("PATCH", GUESTS + "/g2", {"notes": "Birthday"}, KEY),
)
TRESPASSES: dict[str, Trespass] = {
    "invalid_json": Trespass("POST", GUESTS, raw=b'{"name": "Weber", "partySize": 2,}'),
    "invalid_query": Trespass("GET", GUESTS + "?limit=0"),
    "host_not_allowed": Trespass("GET", "/restaurants", sent={"Host": "rebound.example"}),
    "origin_not_allowed": Trespass("GET", "/restaurants", sent={"Origin": "https://page.example"}),
    "restaurant_not_found": Trespass("GET", "/restaurants/7"),
    "guest_not_found": Trespass("GET", GUESTS + "/g404"),
    "table_not_found": Trespass("PATCH", GUESTS + "/g2", {"tableId": "t404"}),
    "route_not_found": Trespass("GET", "/restaurants/1/waiters"),
    "method_not_allowed": Trespass("DELETE", GUESTS),
    "upgrade_required": Trespass("GET", "/realtime"),
    "unsupported_media_type": Trespass("POST", GUESTS, sent={"content-type": "text/plain"}, raw=b"name=Weber"),
    "body_too_large": Trespass("POST", GUESTS, sent={"content-length": "300000"}),
    "table_occupied": Trespass("POST", GUESTS, {**PARTY, "tableId": "t12"}),
    "table_unavailable": Trespass("POST", GUESTS, {**PARTY, "tableId": "t30"}),
    "party_exceeds_capacity": Trespass("POST", GUESTS, {**PARTY, "partySize": 5, "tableId": "t14"}),
    "table_number_taken": Trespass("POST", TABLES, {"tableNumber": "12", "capacity": 4}),
    "already_exists": Trespass("POST", GUESTS, {**PARTY, "id": "g2"}),
    "restaurant_not_empty": Trespass("DELETE", "/restaurants/1"),
    "restaurant_name_differs": Trespass("DELETE", "/restaurants/1?with=guests,tables&name=Another"),
    "revision_expired": Trespass("GET", "/api/sync/delta?restaurant_id=1&since_revision=20&epoch=0ld"),
    "version_conflict": Trespass("PATCH", GUESTS + "/g2", {"notes": "Cake at ten"}, {"If-Match": '"5"'}),
    "validation_failed": Trespass("POST", GUESTS, {"name": "", "partySize": 0, "colour": "red"}),
    "idempotency_key_reused": Trespass("POST", GUESTS, PARTY, KEY),
}
# What cannot be brought about without doing harm is told with the words that the hub has for it.
SAYS = {
    "not_permitted": NOT_PERMITTED.detail,
    "request_timeout": TOO_SLOW.detail,
    "head_too_large": "The request has more than 16 KiB of head or more than 100 headers. Nothing was changed.",
    "internal_error": "The hub made a mistake. Nothing was changed.",
    "storage_full": "The hub cannot save changes: the disk is full. Nothing was changed; what is shown stays true.",
    "storage_unavailable": (
        "The hub cannot save changes: the disk is read-only. Nothing was changed; what is shown stays true."
    ),
    "shutting_down": "The hub is stopping. Nothing was changed.",
    "busy": "The hub has too much to do at this moment. Nothing was changed; ask again.",
    "outcome_unknown": "The hub's disk has not answered for 10 s. The change may be made or not.",
}


async def trespass(stage: Rehearsal) -> dict[str, Exchange | bytes]:
    """An exchange for each error code that a request can bring about, the mere document or message for the others."""
    for first in BEFORE:
        await stage.ask(first.method, first.target, first.body, first.sent)
    found: dict[str, Exchange | bytes] = {}
    now = stage.hub.clock.now()
    for code, about in CODES.items():
        ask = TRESPASSES.get(code)
        if ask is not None:
            found[code] = await stage.ask(ask.method, ask.target, ask.body, ask.sent, ask.raw)
        elif about.status:
            found[code] = encode(document(Refused(code, SAYS.get(code, about.title + ".")), now))
        else:
            found[code] = _spoken(code, now)
    return found


def _spoken(code: str, now: int) -> bytes:
    """What a socket says; of a code that no message brings about, its title."""
    session = Session(1)
    for message in ('{"type": "subscribe"}', *['{"type": "ping"}'] * MESSAGES_A_SECOND_MAX):
        for wish in session.heard(message, 0):
            if isinstance(wish, SayError) and wish.code == code:
                return encode_message(ErrorMessage(time_text(now), wish.code, wish.detail))
    return encode_message(ErrorMessage(time_text(now), code, CODES[code].title + "."))
