"""The reference's page: routes from the table, fields from the structs, examples from the sample hub."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from restohub.floor.model import GUEST_STATUSES, PHASES, TABLE_STATUSES
from restohub.web.package_files import packaged
from restohub.web.routes import ROUTES
from restohub.wire.entities import Guest, Restaurant, Table
from restohub.wire.error_codes import CODES
from restohub.wire.field_names import GUEST_STATUS_WORDS, READ_ONLY, TABLE_STATUS_WORDS, folded
from restohub.wire.problems import ProblemDocument, TableAndGuest
from restohub.wire.request_schemas import NewGuest, NewRestaurant, NewTable

from .descriptions import (
    CLOSES,
    GUEST_NOTES,
    GUEST_STATUS_MEANS,
    RESTAURANT_NOTES,
    TABLE_NOTES,
    TABLE_STATUS_MEANS,
)
from .examples import CLIENT_MESSAGES, Examples
from .markup import code, inline, joined
from .message_sections import INNER, message_examples, message_rows, message_struct, message_structs, types_of
from .schema_tables import entity_rows, structs_in
from .templating import rendered

GROUPS = {
    "restaurants": "Restaurants",
    "guests": "Guests",
    "tables": "Tables",
    "sync": "Batches and sync",
    "people": "People",
    "devices": "Devices",
    "staff": "Staff",
    "hub": "The hub itself",
}
# Sections that are open when the page loads; the others are folded.
OPEN = {"createGuest", "changeGuestStatus", "syncBatch"}


def reference_page(examples: Examples, asyncapi: dict[str, Any], documents: dict[str, str]) -> bytes:
    """The page `/docs`; `documents` are the titles of the documents beside it, by name."""
    return rendered(
        "reference.html",
        here="/docs",
        documents=documents,
        ignored=joined(map(code, READ_ONLY)),
        routes=ROUTES,
        groups=GROUPS,
        open=OPEN,
        examples=examples.routes,
        codes=CODES,
        **_entities(),
        **_bodies(),
        **_messages(examples, asyncapi),
    )


def _entities() -> dict[str, Any]:
    return {
        "guest_fields": entity_rows(Guest, NewGuest, GUEST_NOTES),
        "guest_statuses": _statuses(GUEST_STATUSES, GUEST_STATUS_MEANS, GUEST_STATUS_WORDS, PHASES.get),
        "table_fields": entity_rows(Table, NewTable, TABLE_NOTES),
        "table_statuses": _statuses(TABLE_STATUSES, TABLE_STATUS_MEANS, TABLE_STATUS_WORDS, None),
        "restaurant_fields": entity_rows(Restaurant, NewRestaurant, RESTAURANT_NOTES),
    }


def _statuses(
    statuses: tuple[str, ...],
    means: dict[str, str],
    taken: dict[str, str],
    phase: Callable[[str], str | None] | None,
) -> list[list[Markup]]:
    rows = []
    for status in statuses:
        others = [word for word, meant in taken.items() if meant == status and word != folded(status)]
        cells = [code(status), inline(means.get(status, "")), joined(map(code, others))]
        rows.append(cells if phase is None else [*cells[:1], code(phase(status) or ""), *cells[1:]])
    return rows


def _bodies() -> dict[str, Any]:
    """The structs of the bodies, each once: those that a client sends, and those that it gets."""
    sent = structs_in(one.body for one in ROUTES if one.body is not None)
    bodies = (body for one in ROUTES for body in one.answers.values() if body is not None)
    known = {Guest, Table, Restaurant, *sent}
    got = [one for one in structs_in([*bodies, ProblemDocument, TableAndGuest]) if one not in known]
    return {"structs_sent": sent, "structs_got": got}


def _messages(examples: Examples, asyncapi: dict[str, Any]) -> dict[str, Any]:
    return {
        "seating": [(message, message_struct(message)) for message in examples.seating],
        "message_rows": message_rows(asyncapi),
        "message_types": [(struct, types_of(struct)) for struct in message_structs()],
        "message_examples": {
            type_: message_examples(examples, type_) for struct in message_structs() for type_ in types_of(struct)
        },
        "structs_inside": INNER,
        "client_messages": CLIENT_MESSAGES,
        "closes": [(str(number), inline(when), inline(then)) for number, when, then in CLOSES],
        "sync_client": packaged("sync_client.py").decode(),
    }
