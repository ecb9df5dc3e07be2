"""Example requests that fail: one for each error code."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from restohub.floor.outcomes import Params, Refused, rate_limited
from restohub.floor.size_limits import Size, limit_refusal
from restohub.limits import GUESTS_MAX, MESSAGES_A_SECOND_MAX
from restohub.web.guard import NOT_PERMITTED
from restohub.web.transport.minimum_rate import TOO_SLOW
from restohub.wire.error_codes import CODES
from restohub.wire.messages import encode as encode_message
from restohub.wire.problems import document, error_message
from restohub.wire.responses import encode
from restohub.wire.socket_state import SendError, SocketState

from .sample_hub import MANAGER_TOKEN, Exchange, SampleHub


class Attempt(Struct, frozen=True):
    """A request that is refused, or leads up to one; `raw` is sent where the body is no JSON."""

    method: str
    target: str
    body: Any = None
    sent: dict[str, str] = {}
    raw: bytes = b""


GUESTS, TABLES = "/restaurants/1/guests", "/restaurants/1/tables"
PARTY = {"name": "Weber", "partySize": 2}
KEY = {"Idempotency-Key": "one-key-twice"}

# The state that the examples need: a party at table 12, a table out of service, a key already used.
BEFORE = (
    Attempt("PATCH", GUESTS + "/g2", {"tableId": "t12", "status": "seated"}),
    Attempt("PATCH", TABLES + "/t30", {"status": "outOfService"}),
    Attempt("PATCH", GUESTS + "/g2", {"notes": "Birthday"}, KEY),
)
ATTEMPTS: dict[str, Attempt] = {
    "invalid_json": Attempt("POST", GUESTS, raw=b'{"name": "Weber", "partySize": 2,}'),
    "invalid_query": Attempt("GET", GUESTS + "?limit=0"),
    "host_not_allowed": Attempt("GET", "/restaurants", sent={"Host": "rebound.example"}),
    "origin_not_allowed": Attempt("GET", "/restaurants", sent={"Origin": "https://page.example"}),
    "token_required": Attempt("GET", "/api/devices"),
    "token_invalid": Attempt("GET", "/api/devices", sent={"Authorization": "Bearer rsto_revoked"}),
    "device_not_found": Attempt("DELETE", "/api/devices/404", sent={"Authorization": f"Bearer {MANAGER_TOKEN}"}),
    "person_not_found": Attempt("DELETE", "/api/staff/404", sent={"Authorization": f"Bearer {MANAGER_TOKEN}"}),
    "restaurant_not_found": Attempt("GET", "/restaurants/7"),
    "guest_not_found": Attempt("GET", GUESTS + "/g404"),
    "table_not_found": Attempt("PATCH", GUESTS + "/g2", {"tableId": "t404"}),
    "route_not_found": Attempt("GET", "/restaurants/1/waiters"),
    "method_not_allowed": Attempt("DELETE", GUESTS),
    "upgrade_required": Attempt("GET", "/realtime"),
    "unsupported_media_type": Attempt("POST", GUESTS, sent={"content-type": "text/plain"}, raw=b"name=Weber"),
    "body_too_large": Attempt("POST", GUESTS, sent={"content-length": "300000"}),
    "table_occupied": Attempt("POST", GUESTS, {**PARTY, "tableId": "t12"}),
    "table_unavailable": Attempt("POST", GUESTS, {**PARTY, "tableId": "t30"}),
    "party_exceeds_capacity": Attempt("POST", GUESTS, {**PARTY, "partySize": 5, "tableId": "t14"}),
    "table_number_taken": Attempt("POST", TABLES, {"tableNumber": "12", "capacity": 4}),
    "already_exists": Attempt("POST", GUESTS, {**PARTY, "id": "g2"}),
    "restaurant_not_empty": Attempt("DELETE", "/restaurants/1"),
    "restaurant_name_differs": Attempt("DELETE", "/restaurants/1?with=guests,tables&name=Another"),
    "revision_expired": Attempt("GET", "/api/sync/delta?restaurant_id=1&since_revision=20&epoch=0ld"),
    "version_conflict": Attempt("PATCH", GUESTS + "/g2", {"notes": "Cake at ten"}, {"If-Match": '"5"'}),
    "validation_failed": Attempt("POST", GUESTS, {"name": "", "partySize": 0, "colour": "red"}),
    "idempotency_key_reused": Attempt("POST", GUESTS, PARTY, KEY),
}
# Errors that cannot be provoked without harm are written out as the hub words them, with plausible numbers.
TOLD = {
    "not_permitted": NOT_PERMITTED,
    "devices_unpaired": Refused("devices_unpaired", params=Params(devices=2)),
    "rate_limited": rate_limited("This device asks for too much at a time. Nothing was done; it can go on in 3 s.", 3),
    "limit_reached": limit_refusal(Size(GUESTS_MAX, 40, 3_000_000, 3_000_000), (1, 0, 600)),
    "request_timeout": TOO_SLOW,
}


async def provoke_errors(stage: SampleHub) -> dict[str, Exchange | bytes]:
    """An exchange for each error code that a request can bring about, the mere document or message for the others."""
    for first in BEFORE:
        await stage.ask(first.method, first.target, first.body, first.sent)
    found: dict[str, Exchange | bytes] = {}
    now = stage.hub.clock.now()
    for code, about in CODES.items():
        ask = ATTEMPTS.get(code)
        if ask is not None:
            found[code] = await stage.ask(ask.method, ask.target, ask.body, ask.sent, ask.raw)
        elif about.status:
            found[code] = encode(document(TOLD.get(code) or Refused(code), now))
        else:
            found[code] = _spoken(code, now)
    return found


def _spoken(code: str, now: int) -> bytes:
    """What a socket says; of a code that no message brings about, the words of the code."""
    state = SocketState(1, 0)
    for message in ('{"type": "subscribe"}', *['{"type": "ping"}'] * MESSAGES_A_SECOND_MAX):
        for action in state.on_message(message, 0):
            if isinstance(action, SendError) and action.refused.code == code:
                return encode_message(error_message(action.refused, now))
    return encode_message(error_message(Refused(code), now))
