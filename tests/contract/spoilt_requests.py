"""A request that fits, spoilt in one thing each time by what the document says: so it is refused for that alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tests.contract.answers import Json
from tests.contract.linked_ids import Linked
from tests.contract.requests import op
from tests.contract.unfit_requests import LAX_QUERIES, PASSED_OVER, body_may_pass, component_of

MADE_UP = "made_up"
BOUNDS = {"minimum": -1, "maximum": 1}


class Spoilt(Struct, frozen=True):
    """What to send to a route, and by which status it is refused.

    `entry`: it is one update of an off-line queue that is spoilt, which alone is rejected.
    """

    path: Json
    query: Json
    headers: dict[str, str] = {}
    body: Any = None
    refused: tuple[int, ...] = (400, 422)
    entry: bool = False


def spoilt(route: str, case: Any, fitting: Spoilt, ids: Linked) -> Iterator[Spoilt]:
    """All that can be spoilt of a request that fits."""
    for name in fitting.path:
        yield replace(fitting, path=fitting.path | {name: "nobody"}, refused=(404, 422))
    parameters = case.operation.definition.raw.get("parameters", [])
    for query in _queries([one for one in parameters if one["in"] == "query"], fitting.query, route):
        yield replace(fitting, query=query)
    if any(one["name"] == "Idempotency-Key" for one in parameters):
        for key in ("", "k" * 201):
            yield replace(fitting, headers={"Idempotency-Key": key})
    if fitting.body is not None:
        yield from _spoilt_in_body(route, case, fitting, ids)


def _spoilt_in_body(route: str, case: Any, fitting: Spoilt, ids: Linked) -> Iterator[Spoilt]:
    for name, envelope in _envelopes(route, ids) or [("", fitting.body)]:
        for wrong in _bodies(case, component_of(case), envelope):
            if not body_may_pass(route, case, wrong):
                yield replace(fitting, body=wrong)
        if name:
            for entry in _entries(case, name, envelope[name][0]):
                # What names another restaurant is refused as a whole; an id of another form names nobody.
                alone = name == "updates" and "restaurant_id" not in entry
                yield replace(fitting, body={name: [entry]}, refused=(404, 422), entry=alone)


def _queries(parameters: list[Json], fitting: Json, route: str) -> Iterator[Json]:
    """A query with each parameter as it must not be, and, where others are refused, with another one."""
    if parameters and route not in LAX_QUERIES:
        yield fitting | {MADE_UP: "1"}
    for one in parameters:
        name, schema = one["name"], one["schema"]
        if schema["type"] == "integer" or "enum" in schema or "format" in schema:
            yield from (fitting | {name: value} for value in ("", MADE_UP))
        yield from (fitting | {name: schema[bound] + step} for bound, step in BOUNDS.items() if bound in schema)


def _envelopes(route: str, ids: Linked) -> list[tuple[str, Json]]:
    """Of a batch and a queue one body in each form, with the name of its list."""
    update, older = op("guest", "update", ids.guest_id, notes="x"), {"operation": "update", "data": {"notes": "x"}}
    match route:
        case "post /sync/batch":
            return [("updates", {"updates": [update]})]
        case "post /v1/atomic/batch":
            of_table = op("table", "update", ids.table_id, notes="x")
            forms = [("operations", update), ("operations", of_table)]
            forms += [("guests", older | {"id": ids.guest_id}), ("tables", older | {"id": ids.table_id})]
            return [(name, {name: [entry]}) for name, entry in forms]
    return []


def _entries(case: Any, name: str, fitting: Json) -> Iterator[Json]:
    """An update of a batch or queue, spoilt, and then its data."""
    document = case.operation.schema.raw_schema
    component = document["components"]["schemas"][component_of(case)]["properties"][name]["items"]["$ref"]
    yield from _bodies(case, component.rpartition("/")[2], fitting)
    if "entity_type" not in fitting:
        return  # data are read alike in the older form
    for data in _bodies(case, f"{fitting['entity_type'].title()}Input", fitting["data"]):
        if isinstance(data, list) or PASSED_OVER.isdisjoint(data):
            yield fitting | {"data": data}


def _bodies(case: Any, component: str, fitting: Json) -> Iterator[Any]:
    """A value of this component as a list, with another name, without each that it needs, with each unfit value."""
    schemas = case.operation.schema.raw_schema["components"]["schemas"]
    yield [fitting]
    yield fitting | {MADE_UP: 1}
    yield from (
        {name: value for name, value in fitting.items() if name != needed} for needed in schemas[component]["required"]
    )
    for name, schema in schemas[component]["properties"].items():
        yield from (fitting | {name: value} for value in _unfit(schemas, schema))


def _unfit(schemas: Json, schema: Json) -> Iterator[Any]:
    """Values that are not as a schema says: of another type, beyond each bound."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    yield {MADE_UP: True}
    if "null" not in schema.get("type", "null"):
        yield None
    if "enum" in schema or schema.get("format") == "date-time":
        yield MADE_UP
    if "pattern" in schema:
        yield "\u00e9" * 4
    yield from (schema[bound] + step for bound, step in BOUNDS.items() if bound in schema)
    if "maxLength" in schema:
        yield "9" * (schema["maxLength"] + 1)
    if schema.get("minLength"):
        yield ""
    if schema.get("minItems"):
        yield []
    if "maxItems" in schema and schema["items"].get("type") == "string":
        yield ["x"] * (schema["maxItems"] + 1)
