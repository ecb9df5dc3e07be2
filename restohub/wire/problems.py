"""This file is every refusal and fault as RFC 9457 problem documents: codes, statuses, titles, words."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from restohub.floor import nouns
from restohub.floor.verdicts import Fault, Occupied, Refused
from restohub.limits import FAULTS_MAX

from .entities import Guest, Restaurant, Table, Time, entity_out, guest_out, restaurant_out, table_out
from .times import time_text


class Code(Struct, frozen=True):
    """An error code of CONTRACT section 5: its HTTP status (0: sockets only), its title, and what a client does."""

    status: int
    title: str
    remedy: str


CODES: dict[str, Code] = {
    "invalid_json": Code(
        400,
        "The body is not JSON that the hub takes",
        "Send one UTF-8 JSON document: no NaN, no NUL, no lone surrogate, no key twice, not nested past reason, no "
        "more than 100,000 values.",
    ),
    "invalid_query": Code(400, "A query parameter is wrong", "Mend the parameter that `errors` names."),
    "host_not_allowed": Code(
        403, "The address is not this hub's", "Use the hub's own address, or name this one in `allowed_hosts`."
    ),
    "origin_not_allowed": Code(
        403, "Another web page asks", "Open the hub's own page, or name the page's host in `allowed_hosts`."
    ),
    "not_permitted": Code(
        403, "Not from here", "Ask from the restaurant's own network, or set `allow_public` on the hub."
    ),
    "restaurant_not_found": Code(404, "No such restaurant", "`GET /restaurants` lists those of this hub."),
    "guest_not_found": Code(404, "No such guest", "The party left the floor or never was on it: take the full sync."),
    "table_not_found": Code(404, "No such table", "The table was deleted or never was here: take the full sync."),
    "route_not_found": Code(404, "No such route", "`/docs` lists the routes."),
    "method_not_allowed": Code(405, "The route does not take this method", "The `Allow` header names those it takes."),
    "request_timeout": Code(
        408,
        "The request came too slowly",
        "Nothing was changed. Send it again, with the same `Idempotency-Key`, or in smaller parts.",
    ),
    "upgrade_required": Code(
        426,
        "A WebSocket is here",
        "Connect with ws://, by a library that speaks version 13 of the protocol (RFC 6455).",
    ),
    "unsupported_media_type": Code(415, "The body is not sent as JSON", "Send `Content-Type: application/json`."),
    "body_too_large": Code(
        413, "The body is too large", "Send less than 256 KiB; the two batch routes take 1 MiB. Part the batch."
    ),
    "head_too_large": Code(
        431, "The request's head is too large", "Send at most 100 headers and 16 KiB of them, the path included."
    ),
    "rate_limited": Code(
        429, "Too many requests from this address", "Nothing was done. Wait as many seconds as `Retry-After` says."
    ),
    "limit_reached": Code(
        409,
        "The hub holds as much as it may",
        "Delete what is no longer needed; `/health` warns before it comes to it.",
    ),
    "table_occupied": Code(
        409, "The table has another party", "`current` shows the table and its guest. Choose another, or free it first."
    ),
    "table_unavailable": Code(409, "The table is out of service", "Choose another, or set its status first."),
    "party_exceeds_capacity": Code(
        409, "The party is larger than the table", 'Choose another, or send `"allowOverCapacity": true` beside it.'
    ),
    "table_number_taken": Code(
        409, "Another table has this number", "Choose another; a swap goes over a third number."
    ),
    "already_exists": Code(409, "The id was given before", "Create with a new id, or update the entity in `current`."),
    "restaurant_not_empty": Code(
        409,
        "The restaurant has guests or tables",
        "Delete those first, or all at once with `?with=guests,tables&name=…`.",
    ),
    "restaurant_name_differs": Code(
        409, "The restaurant has another name", "`current` has its name. Make sure that it is this one that is to go."
    ),
    "revision_expired": Code(
        410, "The hub cannot go on from there", "Forget what you have and take `GET /api/sync/full`."
    ),
    "version_conflict": Code(
        412,
        "Someone else changed it meanwhile",
        "`current` is what is there now. Show it, and send again what is wanted.",
    ),
    "validation_failed": Code(422, "A field is not as it must be", "Mend every field that `errors` points at."),
    "idempotency_key_reused": Code(
        422, "The key was used for another request", "A key belongs to one request: make a new one for each change."
    ),
    "internal_error": Code(
        500,
        "The hub made a mistake",
        "Nothing was changed. Report the request and the time: the hub's log has the rest.",
    ),
    "storage_full": Code(
        503, "The hub's disk is full", "Nothing was changed. Free space on the hub; it goes on by itself."
    ),
    "storage_unavailable": Code(
        503, "The hub's disk takes no change", "Nothing was changed. Look after the hub's disk; reading goes on."
    ),
    "shutting_down": Code(503, "The hub is stopping", "Nothing was changed. Ask again when it is back."),
    "busy": Code(503, "The hub has too much to do", "Nothing was done. Ask again after `Retry-After` seconds."),
    "outcome_unknown": Code(
        503, "It may be done or not", "Ask again with the same `Idempotency-Key`: it will not be done twice."
    ),
    "invalid_message": Code(
        0,
        "The socket does not know this message",
        "Send JSON text: `ping`, `pong`, `request_full_sync` or `request_delta`.",
    ),
    "too_many_messages": Code(
        0, "Too many messages in a second", "Send at most 50 a second; the socket is closed (1008)."
    ),
}

MORE_FAULTS = f" There are more than {FAULTS_MAX} faults: {FAULTS_MAX} are listed, mend those first."
RETRY_AFTER_S = {"busy": 1, "shutting_down": 5, "storage_full": 5, "storage_unavailable": 30, "outcome_unknown": 1}
# What goes with 426 (RFC 9110, section 15.5.22; RFC 6455, section 4.4).
UPGRADE = (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"))


class InputError(Struct, kw_only=True):
    """One fault of the input; in a batch with the index of the operation, its code, and a pointer from the root."""

    operation: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    error_code: str | UnsetType = UNSET
    pointer: Annotated[str, Meta(description="A JSON pointer into the body, or `?name` of a query parameter.")]
    detail: str


class TableAndGuest(Struct):
    """Who is in the way: the table and the guest who has it."""

    table: Table
    guest: Guest | None


# A union of structs without tags is more than msgspec reads, and nobody reads this one here.
Current = Annotated[
    Any,
    Meta(
        description="What is there instead: for `table_occupied` the table and its guest, else the entity itself.",
        extra_json_schema={
            "anyOf": [
                *({"$ref": f"#/components/schemas/{s.__name__}"} for s in (Guest, Table, Restaurant, TableAndGuest)),
                {"type": "null"},
            ]
        },
    ),
]


class ProblemDocument(Struct):
    """An RFC 9457 problem document. `current` is what is there instead, `errors` every fault of the input."""

    type: Annotated[str, Meta(examples=["/docs/errors#table_occupied"])]
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    error_code: str
    timestamp: Time
    transaction_id: str | None
    current: Current
    errors: list[InputError]
    success: bool | UnsetType = UNSET
    rolled_back: bool | UnsetType = UNSET


class Problem(Exception):
    """Raised where a request cannot be done; becomes a problem document at the edge."""

    def __init__(self, refused: Refused, *, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(refused.detail)
        self.refused = refused
        self.headers = headers or ((("Retry-After", str(refused.wait_s)),) if refused.wait_s else ())


def problem(code: str, detail: str, faults: tuple[Fault, ...] = (), **headers: str) -> Problem:
    """A problem of this code; `headers` go with the answer (underscores become dashes)."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Problem(Refused(code, detail, faults), headers=named)


def refusal(code: str, detail: str) -> Problem:
    """A problem that says when to ask again."""
    return problem(code, detail, Retry_After=str(RETRY_AFTER_S[code]))


def bad_query(parameter: str, detail: str) -> Problem:
    """A query parameter that cannot be as it is."""
    return problem("invalid_query", detail, (Fault(f"?{parameter}", detail),))


def current_out(
    current: nouns.Entity | Occupied | None, floor_revision: int
) -> Guest | Table | Restaurant | TableAndGuest | None:
    """What stands in the way, as a client sees it."""
    match current:
        case None:
            return None
        case Occupied(table, guest):
            return TableAndGuest(table_out(table), guest_out(guest) if guest else None)
        case nouns.Restaurant():
            return restaurant_out(current, floor_revision)
        case _:
            return entity_out(current)


def document(
    refused: Refused, time: int, transaction_id: str | None = None, floor_revision: int = 0
) -> ProblemDocument:
    """The problem document of a refusal; `floor_revision` is that of a restaurant in `current`."""
    code = CODES[refused.code]
    unlisted = len(refused.faults) > FAULTS_MAX
    return ProblemDocument(
        type=f"/docs/errors#{refused.code}",
        title=code.title,
        status=code.status,
        detail=refused.detail + (MORE_FAULTS if unlisted else ""),
        error_code=refused.code,
        timestamp=time_text(time),
        transaction_id=transaction_id,
        current=current_out(refused.current, floor_revision),
        errors=[InputError(pointer=fault.pointer, detail=fault.detail) for fault in refused.faults[:FAULTS_MAX]],
    )


def batch_document(
    refusals: tuple[tuple[int, Refused], ...], pointers: tuple[str, ...], time: int, transaction_id: str
) -> ProblemDocument:
    """The problem of a batch: that of the first failing operation, with one entry for each fault of any.

    `pointers` are those of the operations' data from the root of the body.
    """
    first = document(refusals[0][1], time, transaction_id)
    errors = [
        InputError(
            operation=index, error_code=refused.code, pointer=pointers[index] + fault.pointer, detail=fault.detail
        )
        for index, refused in refusals
        for fault in refused.faults or (Fault("", refused.detail),)
    ]
    if len(errors) > FAULTS_MAX:
        first = structs.replace(first, detail=first.detail.removesuffix(MORE_FAULTS) + MORE_FAULTS)
    return structs.replace(first, errors=errors[:FAULTS_MAX], success=False, rolled_back=True)
