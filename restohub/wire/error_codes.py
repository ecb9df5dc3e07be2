"""Every error code of contract.md, "Error codes": its status, its words and its params."""

from __future__ import annotations

from msgspec import Struct

from restohub.floor.outcomes import MISUNDERSTOOD


class Code(Struct, frozen=True):
    """An error code of contract.md, "Error codes": its HTTP status (0: sockets only), its title, and its words.

    `detail` and `hint` are told where a refusal has none of its own: a sentence for a host, and what a developer does.
    `params` are the keys of the `params` of each of its problems.
    """

    status: int
    title: str
    detail: str
    hint: str
    params: tuple[str, ...] = ()


CODES: dict[str, Code] = {
    "invalid_json": Code(
        400,
        "The body is not JSON that the hub takes",
        MISUNDERSTOOD,
        "Send one UTF-8 JSON document: no NaN, no NUL, no lone surrogate, no key twice, not nested past reason, no "
        "more than 100,000 values.",
    ),
    "invalid_query": Code(400, "A query parameter is wrong", MISUNDERSTOOD, "Fix the parameter that `errors` names."),
    "host_not_allowed": Code(
        403,
        "The address is not this hub's",
        "This hub does not answer to this name.",
        "Use the hub's own address, or name this one in `allowed_hosts`.",
        ("host",),
    ),
    "origin_not_allowed": Code(
        403,
        "A foreign web page asks",
        "A web page from elsewhere may not use this hub.",
        "Open the hub's own page, or name the page's host in `allowed_hosts`.",
        ("origin",),
    ),
    "token_required": Code(
        401,
        "A token is needed",
        "This device is not paired with the hub.",
        "Pair the device (`POST /api/pairing`), and send its token as `Authorization: Bearer rsto_…`. "
        "In a browser only the board opens: `/`.",
    ),
    "token_invalid": Code(
        401,
        "The token is not good",
        "This device is not paired with the hub any more.",
        "The token is none of this hub's, or its device was revoked: forget it and pair again.",
    ),
    "not_permitted": Code(
        403,
        "The sender may not do this",
        "This device may not do this.",
        "The device's role is too small for this, or the sender is not on the restaurant's own network.",
    ),
    "pin_required": Code(
        403,
        "A manager has to confirm it",
        "A manager has to confirm this with a PIN. Nothing was changed.",
        "`POST /api/step-up` with the PIN of a manager, then send it again; `GET /api/staff` lists the managers.",
    ),
    "pin_wrong": Code(
        403,
        "The PIN is wrong",
        "The PIN is wrong.",
        "It is not the PIN of this `person_id`, or there is nobody of this id with a PIN: `GET /api/staff`.",
    ),
    "restaurant_not_found": Code(
        404,
        "No such restaurant",
        "This hub does not have this restaurant.",
        "`GET /restaurants` lists those of this hub.",
        ("restaurant_id",),
    ),
    "guest_not_found": Code(
        404,
        "No such guest",
        "This guest was removed, or never was here.",
        "The party left the floor or never was on it: take the full sync.",
        ("entity_id",),
    ),
    "table_not_found": Code(
        404,
        "No such table",
        "This table was removed, or never was here.",
        "The table was deleted or never was here: take the full sync.",
        ("entity_id",),
    ),
    "device_not_found": Code(
        404,
        "No such device",
        "This device was never paired with the hub.",
        "`GET /api/devices` lists those that were.",
        ("entity_id",),
    ),
    "person_not_found": Code(
        404,
        "Nobody of the staff has this id",
        "This person was removed, or never was one of the staff.",
        "`GET /api/staff` lists everybody.",
        ("entity_id",),
    ),
    "route_not_found": Code(
        404, "No such route", "The app asked for something that this hub does not have.", "`/docs` lists the routes."
    ),
    "method_not_allowed": Code(
        405, "The route does not take this method", MISUNDERSTOOD, "The `Allow` header names those it takes."
    ),
    "request_timeout": Code(
        408,
        "The request came too slowly",
        "The network is so slow that the hub gave up. Nothing was changed; try again.",
        "Send it again, with the same `Idempotency-Key`, or in smaller parts.",
    ),
    "upgrade_required": Code(
        426,
        "A WebSocket is here",
        MISUNDERSTOOD,
        "Connect with ws://, by a library that speaks version 13 of the protocol (RFC 6455).",
    ),
    "unsupported_media_type": Code(
        415, "The body is not sent as JSON", MISUNDERSTOOD, "Send `Content-Type: application/json`."
    ),
    "body_too_large": Code(
        413,
        "The body is too large",
        "The app sent too much at once. Nothing was changed.",
        "Send less than 256 KiB; the two batch routes take 1 MiB. Split the batch.",
    ),
    "head_too_large": Code(
        431,
        "The request's head is too large",
        "The app sent too much at once. Nothing was changed.",
        "Send at most 100 headers and 16 KiB of them, the path included.",
    ),
    "rate_limited": Code(
        429,
        "Too many requests from this address",
        "This device asks for too much at a time. Nothing was done; try again in a moment.",
        "Wait as many seconds as `Retry-After` says.",
        ("seconds",),
    ),
    "limit_reached": Code(
        409,
        "The hub has reached its limit",
        "The hub has reached its limit. Delete what is no longer needed.",
        "Delete what is no longer needed; `/health` warns in advance.",
        ("counted", "count", "limit"),
    ),
    "table_occupied": Code(
        409,
        "The table has another party",
        "The table has another party.",
        "`current` shows the table and its guest. Choose another, or free it first.",
        ("table", "guest", "party", "held"),
    ),
    "table_unavailable": Code(
        409,
        "The table is out of service",
        "The table is out of service.",
        "Choose another, or set its status first.",
        ("table",),
    ),
    "party_exceeds_capacity": Code(
        409,
        "The party is larger than the table",
        "The party is larger than the table.",
        'Choose another, or send `"allowOverCapacity": true` beside the `tableId`, `currentGuestId` or `capacity`.',
        ("table", "guest", "party", "capacity"),
    ),
    "table_number_taken": Code(
        409,
        "Another table has this number",
        "Another table has this number. Choose another number.",
        "Choose another; to swap two numbers, go through a third.",
        ("table",),
    ),
    "already_exists": Code(
        409,
        "The id is taken",
        "This was added before.",
        "Create with a new id, or update the entity in `current`.",
        ("entity_type", "entity_id"),
    ),
    "restaurant_not_empty": Code(
        409,
        "The restaurant has guests or tables",
        "The restaurant still has guests or tables. Delete those first.",
        "Delete its guests and tables first, or all at once with `?with=guests,tables&name=…`.",
        ("restaurant", "guests", "tables"),
    ),
    "restaurant_name_differs": Code(
        409,
        "The restaurant has another name",
        "The restaurant has another name. Nothing was deleted.",
        "`current` has its name. Make sure that it is this one that is to go.",
        ("restaurant",),
    ),
    "devices_unpaired": Code(
        409,
        "Devices without a token are connected",
        "Devices that are not paired are connected now. They would be shut out.",
        'Pair them first, or send `"anyway": true` to shut them out.',
        ("devices",),
    ),
    "revision_expired": Code(
        410,
        "The log does not reach back to there",
        "This device was away for too long: it has to load the whole floor again.",
        "Discard what you have and take `GET /api/sync/full`.",
    ),
    "version_conflict": Code(
        412,
        "Someone else changed it meanwhile",
        "Someone else changed it meanwhile. Look again before you change it.",
        "`current` is what is there now. Show it, and send again what is wanted.",
        ("entity_type", "name"),
    ),
    "validation_failed": Code(
        422, "A field is not valid", MISUNDERSTOOD, "Fix every field that `errors` points at.", ("field",)
    ),
    "idempotency_key_reused": Code(
        422,
        "The key was used for another request",
        "The app mixed up two changes. Nothing was changed; try again.",
        "A key belongs to one request: make a new one for each change.",
    ),
    "internal_error": Code(
        500,
        "Something went wrong in the hub",
        "Something went wrong in the hub. Nothing was changed.",
        "Report the request and the time: the hub's log has the details.",
    ),
    "storage_full": Code(
        503,
        "The hub's disk is full",
        "The hub cannot save changes: the disk is full. Nothing was changed; what is shown stays true.",
        "Free space on the hub; it goes on by itself.",
    ),
    "storage_unavailable": Code(
        503,
        "The hub's disk cannot be written",
        "The hub cannot save changes: the disk is read-only. Nothing was changed; what is shown stays true.",
        "Check the hub's disk; reading still works.",
    ),
    "shutting_down": Code(
        503, "The hub is stopping", "The hub is stopping. Nothing was changed.", "Ask again when it is back."
    ),
    "busy": Code(
        503,
        "The hub is too busy",
        "The hub is too busy at this moment. Nothing was changed; try again.",
        "Ask again after `Retry-After` seconds.",
    ),
    "outcome_unknown": Code(
        503,
        "The outcome is not known",
        "The hub's disk does not answer. The change may or may not have been made.",
        "Repeat it with the same `Idempotency-Key`: it will not be done twice.",
    ),
    "invalid_message": Code(
        0,
        "The socket does not know this message",
        MISUNDERSTOOD,
        "Send JSON text: `ping`, `pong`, `request_full_sync` or `request_delta`.",
    ),
    "too_many_messages": Code(
        0,
        "Too many messages in a second",
        "The app sent too much at a time, so the hub closed the connection.",
        "Send at most 50 a second; the socket is closed (1008).",
    ),
}
# In so many seconds it may be another answer, where that is known.
RETRY_AFTER_S = {"busy": 1, "shutting_down": 5, "storage_full": 5, "storage_unavailable": 30, "outcome_unknown": 1}
# What goes with 426 (RFC 9110, section 15.5.22; RFC 6455, section 4.4).
UPGRADE = (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"))
