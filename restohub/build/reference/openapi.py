"""The OpenAPI 3.1.0 document, made from the route table and the types that the routes are made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath as Path
from typing import Any

import msgspec

from restohub.web.route import Parameter, Route
from restohub.web.routes import ID, ROUTES
from restohub.wire.entities import Guest, Table
from restohub.wire.error_codes import CODES
from restohub.wire.problems import ProblemDocument, TableAndGuest
from restohub.wire.responses import Seating

from .golden_files import Fixture
from .json_schemas import component_schemas

Golden = Mapping[Fixture, bytes]

# The base of every path in the document. The hub answers at the paths without it as well.
BASE = "/api"

GROUPS = {
    "restaurants": "The restaurants of this hub.",
    "guests": "Parties: waitlist, walk-ins, reservations.",
    "tables": "The tables of the floor.",
    "sync": "How a client comes to hold the floor, and sends what it did off-line.",
    "people": "What the hub holds of a person, and forgetting it: for the hub's own machine.",
    "devices": "The devices that belong to the hub: pairing, roles, closing the hub to strangers.",
    "staff": "The people of the staff: who is signed in on a device, and what a manager confirms.",
    "hub": "The hub itself.",
}
# A new guest has at least one of the two names. With `anyOf`, swift-openapi-generator drops all other properties.
NAMED = {
    "if": {"properties": {"name": {}}, "required": ["name"]},
    "else": {"properties": {"firstName": {}}, "required": ["firstName"]},
}
READ_VERSION = {
    "type": "integer", "minimum": 1, "maximum": 2**53 - 1,
    "description": "The version that the client has read: a field that is as it was then counts as not sent.",
}  # fmt: skip
# The errors that any route may answer.
ANYWHERE = ("host_not_allowed", "request_timeout", "rate_limited", "head_too_large", "internal_error")
UNAVAILABLE = ("storage_full", "storage_unavailable", "shutting_down", "busy", "outcome_unknown")
# The security scheme, and its name.
DEVICE = "device"
BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "rsto_ and 43 characters of base64url",
    "description": (
        "The token of a paired device. A closed hub asks for it; an open one only where a route manages access. "
        "Beside it stands the least role: view, host or manager."
    ),
}
PROBLEM_SCHEMA = {"$ref": "#/components/schemas/ProblemDocument"}
HEADERS: dict[str, tuple[dict[str, Any], str]] = {
    "Restohub-Revision": ({"type": "integer", "minimum": 0}, "The revision that holds the change, or is read."),
    "Restohub-Epoch": ({"type": "string"}, "The history that the revision is of."),
    "Restohub-Transaction": ({"type": "string"}, "The id of this change."),
    "Restohub-Next-Cursor": ({"type": "string"}, "There is more: the `cursor` to go on with."),
    "ETag": ({"type": "string"}, 'The version of the entity, such as "42".'),
    "Restohub-By": ({"type": "string"}, "The device that made the change, percent-encoded, where one was known."),
    "Location": ({"type": "string"}, "Where the new entity is."),
    "Retry-After": ({"type": "integer"}, "Seconds to wait before asking again."),
    "Idempotency-Replayed": ({"type": "string", "enum": ["true"]}, "This is the first answer to this key, again."),
}


def openapi_document(version: str, golden: Golden) -> dict[str, Any]:
    """The document as plain values; `version` is the hub's release, `golden` the golden files, which are examples."""
    types = [kind for route in ROUTES for kind in (*route.answers.values(), route.body) if kind is not None]
    types += [ProblemDocument, TableAndGuest]
    schemas, components = component_schemas(types)
    components["NewGuest"] |= NAMED
    for name in ("GuestInput", "TableInput"):
        components[name]["properties"]["version"] = READ_VERSION
    named = {_key(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(_path(route), {})[route.method.lower()] = _operation(route, named, golden)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "restohub",
            "version": version,
            "description": (
                "The hub of a restaurant's iPads. /docs explains all of it; /schema/asyncapi.json has the sockets."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": BASE}],
        "security": [],
        "tags": [{"name": name, "description": says} for name, says in GROUPS.items()],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {DEVICE: BEARER}},
    }


def _path(route: Route) -> str:
    """A route's path below the base."""
    return route.plain_path.removeprefix(BASE)


def _key(kind: Any) -> str:
    return str(kind)


def _operation(route: Route, named: dict[str, Any], golden: Golden) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.says,
        "tags": [route.group],
        "parameters": [*_path_parameters(route), *map(_query_parameter, route.query), *_header_parameters(route)],
        "responses": _responses(route, named),
        "security": _security(route),
    }
    if route.body is not None:
        operation["requestBody"] = {
            "required": not route.body_optional,
            "content": {"application/json": {"schema": named[_key(route.body)], "examples": _examples(route, golden)}},
        }
    return operation


def _security(route: Route) -> list[dict[str, list[str]]]:
    """The role whose token it asks for: always, on a closed hub alone (`{}`: else without one), or never."""
    if route.needs == "anyone":
        return [{DEVICE: []}] if "token_required" in route.refuses else []
    asked: dict[str, list[str]] = {DEVICE: [route.needs]}
    return [asked] if route.even_open else [{}, asked]


def _examples(route: Route, golden: Golden) -> dict[str, Any]:
    """What the reference shows as sent to the route."""
    names = re.compile(rf"requests/{route.name}(-\d+)?\.json")
    shown = {Path(one.file).stem: body for one, body in golden.items() if names.fullmatch(one.file)}
    return {name: {"value": msgspec.json.decode(body)} for name, body in shown.items()}


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    names = [part[1:].removesuffix(":str}") for part in route.path.split("/") if part.startswith("{")]
    return [
        {"name": name, "in": "path", "required": True, "schema": ID if name == "restaurant_id" else {"type": "string"}}
        for name in names
    ]


def _query_parameter(parameter: Parameter) -> dict[str, Any]:
    schema = {"type": "array", "items": parameter.schema} if parameter.many else parameter.schema
    return {"name": parameter.name, "in": "query", "schema": schema, "description": parameter.detail}


def _header_parameters(route: Route) -> list[dict[str, Any]]:
    parameters = []
    if route.takes_key:
        schema = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[\\x20-\\x7e]+$"}
        says = "The same key and request give the first answer again, for at least 72 hours."
        parameters.append({"name": "Idempotency-Key", "in": "header", "schema": schema, "description": says})
    if route.takes_if_match:
        says = "The ETag that the change is meant for; `*` and lists too."
        parameters.append({"name": "If-Match", "in": "header", "schema": {"type": "string"}, "description": says})
    return parameters


def refusals(route: Route) -> dict[int, list[str]]:
    """Every error code that the route may answer, by status."""
    codes = [*route.refuses, *ANYWHERE]
    if route.needs != "anyone":
        codes += ["token_required", "token_invalid", "not_permitted"]
    if route.grave:
        codes.append("pin_required")
    if route.query:
        codes.append("invalid_query")
    if route.body is not None:
        codes += ["invalid_json", "unsupported_media_type", "body_too_large", "request_timeout", "validation_failed"]
    if route.takes_key:
        codes += ["idempotency_key_reused", "validation_failed", "body_too_large", *UNAVAILABLE]
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(CODES[code].status, []).append(code)
    return dict(sorted(by_status.items()))


def _responses(route: Route, named: dict[str, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, kind in route.answers.items():
        responses[str(status)] = answer = {"description": _describe(status), "headers": _headers(route, status)}
        if kind is not None:
            sheet = {"text/csv": {"schema": {"type": "string"}}} if route.sheet else {}
            answer["content"] = {"application/json": {"schema": named[_key(kind)]}, **sheet}
    for status, codes in refusals(route).items():
        if status in route.answers:
            continue
        responses[str(status)] = {
            "description": ", ".join(f"`{code}`: {CODES[code].title}" for code in codes) + ".",
            "content": {"application/problem+json": {"schema": PROBLEM_SCHEMA}},
            **({"headers": _named_headers("Retry-After")} if status in (429, 503) else {}),
        }
    return responses


def _describe(status: int) -> str:
    return {200: "Done.", 201: "Made.", 202: "Noted.", 204: "Removed.", 503: "A change could not be saved now."}[status]


def _headers(route: Route, status: int) -> dict[str, Any]:
    names: list[str] = []
    on_a_floor = route.group in ("guests", "tables", "sync")
    if on_a_floor or route.name == "getRestaurant":
        names += ["Restohub-Revision", "Restohub-Epoch"]
    elif route.takes_key:
        names.append("Restohub-Epoch")
    if route.takes_key:
        names += ["Restohub-Transaction", "Idempotency-Replayed", "Restohub-By"]
    if any(kind in (Guest, Table, Seating) for kind in route.answers.values()):
        names.append("ETag")
    if status == 201:
        names.append("Location")
    if route.name in ("listGuests", "listTables"):
        names.append("Restohub-Next-Cursor")
    return _named_headers(*names)


def _named_headers(*names: str) -> dict[str, Any]:
    return {name: {"schema": HEADERS[name][0], "description": HEADERS[name][1]} for name in names}
