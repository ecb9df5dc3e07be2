"""Which of the generated requests the hub has to refuse: those that do not fit, but for what it passes over."""

from __future__ import annotations

from typing import Any

import jsonschema_rs

from tests.contract.answers import Json
from tests.fields import GUEST, READ_ONLY, RESTAURANT, TABLE, snake

OLDER = {"guestName", "phoneNumber", "assignedTableId", "arrivalTime", "number"}
CAMEL = {"entityType", "entityId", "ifMatch", "transactionId", "mutationId", "baseVersion", "appliedMutationIds"}
OTHER_SPELLINGS = {snake(name) for name in {*GUEST, *TABLE, *RESTAURANT, *OLDER} if snake(name) != name} | OLDER | CAMEL
OTHER_SPELLINGS |= {"restaurantId", "personId", "tokenSha256", "deviceId", "beforeRevision", "sinceRevision"}
# What the contract has taken or ignored beside what the document names. A restaurant_id is looked at by itself.
PASSED_OVER = ({*READ_ONLY, *map(snake, READ_ONLY), "timestamp", "metadata"} | OTHER_SPELLINGS) - {"restaurant_id"}
# These look at the parameters that they know, and at no others.
LAX_QUERIES = (
    "get /sync/full", "get /sync/delta", "post /sync/batch", "post /v1/atomic/batch",
    "delete /restaurants/{}", "put /restaurants/{}/guests/{}/status/atomic",
)  # fmt: skip
# In these an empty text means null: contract.md, "One guest, one table".
NULLABLE = {name for name, kind in {**GUEST, **TABLE, **RESTAURANT}.items() if kind.endswith("or null")}
AN_UPDATE: Json = {"entity_type": "guest", "entity_id": "g1", "data": {}}


def must_be_refused(route: str, case: Any) -> bool:
    """Whether a request does not fit in a way that is the route's business."""
    from schemathesis import GenerationMode

    unfit = {part.value for part, one in case.meta.components.items() if one.mode == GenerationMode.NEGATIVE}
    if "query" in unfit and _query_may_pass(route, case):
        unfit.remove("query")
    if "body" in unfit and body_may_pass(route, case, case.body):
        unfit.remove("body")
    return bool(unfit)


def unfit_updates(case: Any) -> list[bool]:
    """Of each entry of an off-line queue whether it must be rejected, where all else of the queue fits."""
    return [not _fits(case, "QueuedUpdate", _as_read(one)) for one in case.body["updates"]]


def _query_may_pass(route: str, case: Any) -> bool:
    """Whether a query names what is passed over, or is not sent as it was generated."""
    known = {one.name for one in case.operation.query}
    others = case.query.keys() - known
    lax = not (OTHER_SPELLINGS | {"tableId"}).isdisjoint(others) or (route in LAX_QUERIES and others)
    return bool(lax) or not all(map(_is_sent, case.query.values()))


def _is_sent(value: Any) -> bool:
    """Of a parameter without a value not even the name is sent."""
    return any(one is not None for one in value) if isinstance(value, list | dict) else value is not None


def body_may_pass(route: str, case: Any, sent: Any) -> bool:
    """Whether a body fits without what is passed over; of an off-line queue, all but its entries."""
    body = _as_read(sent)
    if not isinstance(body, dict):
        return False
    if route.startswith("post") and "id" in sent:
        body["id"] = sent["id"]  # the id that it is to have; one that changes has its own
    if route == "post /sync/batch" and isinstance(body.get("updates"), list) and 1 <= len(body["updates"]) <= 500:
        body["updates"] = [AN_UPDATE]
    return _fits(case, component_of(case), body)


def component_of(case: Any) -> str:
    """The name of the schema of a request's body."""
    described: str = case.operation.definition.raw["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return described.rpartition("/")[2]


def _fits(case: Any, component: str, value: Any) -> bool:
    """Whether the document describes this value so."""
    schema = {"$ref": f"#/components/schemas/{component}", "components": case.operation.schema.raw_schema["components"]}
    return jsonschema_rs.validator_for(schema, validate_formats=True).is_valid(value)


def _as_read(value: Any) -> Any:
    """A body without what is passed over in it."""
    if isinstance(value, list):
        return [_as_read(one) for one in value]
    if not isinstance(value, dict):
        return value
    sent = {name: one for name, one in value.items() if name not in PASSED_OVER and (one != "" or name not in NULLABLE)}
    read = {name: _as_read(one) for name, one in sent.items()}
    named = read.get("restaurant_id", 1)
    if named is None or (isinstance(named, str) and named.isascii() and named.isdecimal()):
        del read["restaurant_id"]
    if "operation" in value and "id" in value:
        read["id"] = value["id"]  # of an operation in the older form
    if "delete" in (value.get("action"), value.get("operation")):
        read.pop("data", None)
    return read
