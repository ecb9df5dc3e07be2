"""This file is the reference: prose from its files, routes from the table, fields from the structs, real examples."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from http import HTTPStatus
from typing import Any

from msgspec import Struct

from restohub.floor.nouns import GUEST_STATUSES, PHASES, TABLE_STATUSES
from restohub.web.packaged import packaged
from restohub.web.routes import ROUTES, Route
from restohub.wire.asked import NewGuest, NewRestaurant, NewTable
from restohub.wire.codes import CODES
from restohub.wire.entities import Guest, Restaurant, Table
from restohub.wire.problems import ProblemDocument, TableAndGuest
from restohub.wire.requests import GuestInput, RestaurantInput, TableInput
from restohub.wire.spelling import GUEST_STATUS_WORDS, READ_ONLY, TABLE_STATUS_WORDS, folded

from .described import body_words, entity_table, struct_section, structs_in, type_name
from .examples import CLIENT_MESSAGES, Examples
from .markup import code, filled, http_block, inline, json_block, link, page, part, table
from .message_list import message_sections, message_table, told
from .rehearsal import Exchange
from .words import (
    CLOSES,
    GUEST_NOTES,
    GUEST_STATUS_MEANS,
    RESTAURANT_NOTES,
    TABLE_NOTES,
    TABLE_STATUS_MEANS,
)

GROUPS = {
    "restaurants": "Restaurants",
    "guests": "Guests",
    "tables": "Tables",
    "sync": "Batches and sync",
    "hub": "The hub itself",
}
# Shown at once; the others are opened by who wants to see them.
OPEN = {"createGuest", "changeGuestStatus", "syncBatch"}
# What a client sends to fill an entity.
FILLS: dict[type[Struct], type[Struct]] = {
    NewGuest: Guest,
    GuestInput: Guest,
    NewTable: Table,
    TableInput: Table,
    NewRestaurant: Restaurant,
    RestaurantInput: Restaurant,
}
UNTOLD_HEADERS = {"content-length", "content-type"}
PROSE = (
    "start.html",
    "conventions.html",
    "entities.html",
    "routes.html",
    "sockets.html",
    "sync.html",
)


def reference_page(examples: Examples) -> bytes:
    """The page `/docs`."""
    places = {**_entity_places(examples), **_route_places(examples), **_socket_places(examples)}
    places |= {"ignored": ", ".join(map(code, READ_ONLY)), "error_list": _error_list()}
    body = "\n".join(filled(name, places) for name in PROSE)
    return page("restohub: the reference", part("intro.html"), body, here="/docs")


def request_html(exchange: Exchange, type_: str) -> str:
    """A request: its line, the headers that matter, and its body as JSON, or as it is where it has no `type_`."""
    head = [f"{exchange.method} {exchange.target}"]
    head += [f"{name}: {text}" for name, text in exchange.sent.items() if name != "content-type" or not type_]
    body = json_block(exchange.body, type_) if exchange.body and type_ else ""
    raw = ["", exchange.body.decode()] if exchange.body and not type_ else []
    return http_block([*head, *raw], "request") + body


def answer_html(exchange: Exchange, type_: str) -> str:
    """An answer: its status, the headers that matter, and its body."""
    head = [f"{exchange.status} {HTTPStatus(exchange.status).phrase}"]
    head += [f"{_spelled(name)}: {text}" for name, text in exchange.got.items() if name not in UNTOLD_HEADERS]
    kind = "answer" if exchange.status < 400 else "answer refused"
    return http_block(head, kind) + (json_block(exchange.answer, type_) if exchange.answer else "")


def _spelled(header: str) -> str:
    return "ETag" if header == "etag" else header.title()


def _entity_places(examples: Examples) -> dict[str, str]:
    guest = examples.routes["getGuest"][0].answer
    furniture = examples.routes["getTable"][0].answer
    restaurant = examples.routes["getRestaurant"][0].answer
    return {
        "guest_table": entity_table(Guest, NewGuest, GUEST_NOTES),
        "guest_example": json_block(guest, "Guest"),
        "guest_statuses": _statuses("guest", GUEST_STATUSES, GUEST_STATUS_MEANS, GUEST_STATUS_WORDS, PHASES.get),
        "table_table": entity_table(Table, NewTable, TABLE_NOTES),
        "table_example": json_block(furniture, "Table"),
        "table_statuses": _statuses("table", TABLE_STATUSES, TABLE_STATUS_MEANS, TABLE_STATUS_WORDS, None),
        "restaurant_table": entity_table(Restaurant, NewRestaurant, RESTAURANT_NOTES),
        "restaurant_example": json_block(restaurant, "Restaurant"),
    }


def _statuses(
    kind: str,
    statuses: tuple[str, ...],
    means: dict[str, str],
    taken: dict[str, str],
    phase: Callable[[str], str | None] | None,
) -> str:
    rows = []
    for status in statuses:
        others = [word for word, meant in taken.items() if meant == status and word != folded(status)]
        cells = [code(status), inline(means.get(status, "")), ", ".join(map(code, others))]
        rows.append(cells if phase is None else [*cells[:1], code(phase(status) or ""), *cells[1:]])
    columns = ["Status", "Meaning", "Also taken as"]
    return table(f"Statuses of a {kind}", columns if phase is None else ["Status", "Phase", *columns[1:]], rows)


def plain_path(route: Route) -> str:
    """A route's path as people write it."""
    return route.path.replace(":str}", "}")


def _route_places(examples: Examples) -> dict[str, str]:
    rows, sections = [], []
    for group, title in GROUPS.items():
        of_group = [route for route in ROUTES if route.group == group]
        rows += [
            (f"{_method(one)} " + link(f"#{one.name}", code(plain_path(one))), inline(one.says)) for one in of_group
        ]
        articles = "".join(_route(one, examples.routes.get(one.name, ())) for one in of_group)
        sections.append(f'<h3 id="routes-{group}">{title}</h3>\n{articles}')
    return {
        "route_list": table("All routes", ("Route", "Does"), rows),
        "routes": "\n".join(sections),
        **_type_places(),
    }


def _type_places() -> dict[str, str]:
    """The structs of the bodies, each once: those that a client sends, and those that it gets."""
    sent = structs_in(one.body for one in ROUTES if one.body is not None)
    bodies = (body for one in ROUTES for body in one.answers.values() if body is not None)
    known = {Guest, Table, Restaurant, *sent}
    got = [one for one in structs_in([*bodies, ProblemDocument, TableAndGuest]) if one not in known]
    return {
        "types_sent": "".join(struct_section(one, FILLS.get(one)) for one in sent),
        "types_got": "".join(struct_section(one) for one in got),
    }


def _method(route: Route) -> str:
    return f'<span class="method {route.method.lower()}">{route.method}</span>'


def _route(route: Route, exchanges: tuple[Exchange, ...]) -> str:
    facts = [("Answers", ", ".join(_answer(status, body) for status, body in route.answers.items()))]
    if route.body is not None:
        facts.insert(0, ("Body", body_words(route.body) + (", or none" if route.body_optional else "")))
    headers = ["If-Match"] if "version_conflict" in route.refuses else []
    headers += ["Idempotency-Key"] if route.method != "GET" else []
    if headers:
        facts.append(("Honours", ", ".join(map(code, headers))))
    if route.refuses:
        facts.append(("Refuses", ", ".join(error_link(one) for one in dict.fromkeys(route.refuses))))
    told_facts = "".join(f"<dt>{name}</dt><dd>{html}</dd>\n" for name, html in facts)
    return (
        f'<article class="route"><h4 id="{route.name}">{_method(route)} {code(plain_path(route))}</h4>\n'
        f"<p>{inline(route.says)}</p>\n{_query(route)}<dl>{told_facts}</dl>\n{_examples(route, exchanges)}</article>\n"
    )


def _answer(status: int, body: Any) -> str:
    return f"{status} " + ("without a body" if body is None else body_words(body))


def _query(route: Route) -> str:
    if not route.query:
        return ""
    rows = [(code(one.name), _schema_words(one.schema), inline(one.detail)) for one in route.query]
    return table(f"Query of {route.name}", ("Query", "Type", "Note"), rows)


def _schema_words(schema: dict[str, Any]) -> str:
    if schema["type"] != "integer":
        return "time" if schema.get("format") == "date-time" else "text"
    most = schema.get("maximum", 2**53 - 1)
    bounds = f"from {schema.get('minimum', 0)}" if most == 2**53 - 1 else f"{schema.get('minimum', 0)} … {most:,}"
    return f"whole number {bounds}"


def _examples(route: Route, exchanges: tuple[Exchange, ...]) -> str:
    shown = "".join(_example(route, exchange) for exchange in exchanges)
    state = " open" if route.name in OPEN else ""
    title = "Examples" if len(exchanges) > 1 else "Example"
    return f"<details{state}><summary>{title}</summary>\n{shown}</details>\n" if shown else ""


def _example(route: Route, exchange: Exchange) -> str:
    body = route.answers.get(exchange.status, ProblemDocument)
    asked = type_name(route.body) if route.body is not None else ""
    return request_html(exchange, asked) + answer_html(exchange, type_name(body) if body is not None else "")


def error_link(error_code: str) -> str:
    """A link to an error's entry."""
    return link(f"/docs/errors#{error_code}", code(error_code))


def _socket_places(examples: Examples) -> dict[str, str]:
    return {
        "seating": "".join(json_block(message, told(message)) for message in examples.seating),
        "message_list": message_table(),
        "messages": message_sections(examples),
        "client_messages": "".join(
            f"<p>{inline(says)}</p>\n{json_block(message, 'client message')}" for message, says in CLIENT_MESSAGES
        ),
        "closes": table(
            "Close codes", ("Code", "When", "Then"), [(str(c), inline(w), inline(t)) for c, w, t in CLOSES]
        ),
        "sync_client": escape(packaged("docs/sync_client.py").decode()),
    }


def _error_list() -> str:
    rows = [
        (error_link(name), str(one.status or "socket"), inline(one.title + "."), inline(one.hint))
        for name, one in CODES.items()
    ]
    return table("Error codes", ("Code", "Status", "What", "What to do"), rows)
