"""Whether generators of clients lose nothing of the OpenAPI document: one base, plain types, examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest

from tests.contract.answers import Json, ok
from tests.contract.requests import new_guest, new_table
from tests.contract.test_openapi import operations, resolved, walk

PLAIN = ("string", "integer", "number", "boolean")


@pytest.fixture
def document(api: httpx.Client) -> Json:
    """The OpenAPI document."""
    return ok(api.get("/schema/openapi.json"))


def nullable(schema: Json) -> bool:
    """OpenAPIKit's `nullable`: null is among several types, or it is the one."""
    types = schema.get("type")
    return types == "null" or (isinstance(types, list) and "null" in types)


def kind(schema: Json) -> str:
    """What OpenAPIKit decodes a schema to: compositions first, then the first type that is not null, then the keys."""
    if "$ref" in schema:
        return "reference"
    for key in ("allOf", "anyOf", "oneOf", "not"):
        if key in schema:
            return key
    types = schema["type"] if isinstance(schema.get("type"), list) else [schema.get("type")]
    named = [one for one in types if one != "null"]
    if not named:
        return "null"
    if named[0] is not None:
        return str(named[0])
    return "object" if schema.keys() & {"properties", "required", "additionalProperties"} else "fragment"


def supported(document: Json, schema: Json, seen: frozenset[str] = frozenset()) -> bool:
    """swift-openapi-generator's `isSchemaSupported`: not `null` and `not`, a composition if all its children are.

    With a discriminator only children that refer to an object count.
    """
    match kind(schema):
        case "reference":
            ref = schema["$ref"]
            return ref in seen or supported(document, resolved(document, schema), seen | {ref})
        case "array":
            return "items" not in schema or supported(document, schema["items"], seen)
        case "oneOf" if "discriminator" in schema:
            references = [one for one in schema["oneOf"] if "$ref" in one]
            return all(objectish(document, resolved(document, one)) for one in references)
        case "oneOf" | "anyOf" | "allOf" as key:
            return bool(schema[key]) and all(supported(document, one, seen) for one in schema[key])
        case other:
            return other in (*PLAIN, "object", "fragment")


def objectish(document: Json, schema: Json) -> bool:
    """swift-openapi-generator's `isObjectishSchemaAndSupported`, of what a reference leads to."""
    match kind(schema):
        case "object":
            return True
        case "reference":
            return objectish(document, resolved(document, schema))
        case "oneOf" | "anyOf" | "allOf" as key:
            return all(objectish(document, one) for one in schema[key])
    return False


def objects(node: Any, place: str = "") -> Iterator[tuple[str, Json]]:
    """Every schema that is made a struct of, with where it stands: `translateObjectStruct` sees it as an object."""
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict) and kind(node) == "object":
            yield place, node
        for key, child in node.items():
            if key not in ("if", "then", "else", "example", "examples"):  # keywords that OpenAPIKit does not know
                yield from objects(child, f"{place}/{key}")
    elif isinstance(node, list):
        for number, child in enumerate(node):
            yield from objects(child, f"{place}/{number}")


def test_swift_s_generator_skips_no_property(document: Json) -> None:
    skipped, count = [], 0
    for place, schema in objects(document):
        assert not set(schema.get("required", ())) - schema["properties"].keys(), f"{place}: `inferred`, so skipped"
        for name, one in schema["properties"].items():
            count += 1
            binary = one.get("type") == "string" and one.get("format") == "binary"
            if binary or not supported(document, one):
                skipped.append(f"{place}/{name}")
    assert skipped == []
    assert count > 200


def test_swift_s_generator_skips_no_body_and_no_component(document: Json) -> None:
    for name, schema in document["components"]["schemas"].items():
        assert supported(document, schema), name
        # A composition beside properties would be taken in their place.
        assert kind(schema) == "object" or "properties" not in schema, name
    for name, one in operations(document):
        for answer in [*one["responses"].values(), one.get("requestBody", {})]:
            for media in answer.get("content", {}).values():
                assert supported(document, media["schema"]), name
        for parameter in one["parameters"]:
            assert supported(document, parameter["schema"]), (name, parameter["name"])


def test_every_field_that_may_be_null_is_an_optional_in_swift(
    document: Json, api: httpx.Client, restaurant: int
) -> None:
    new_table(api, restaurant, id="t1")
    guest = new_guest(api, restaurant)
    schema = document["components"]["schemas"]["Guest"]["properties"]
    empty = {name for name, value in guest.items() if value is None}
    assert len(empty) == 11
    assert all(nullable(schema[name]) for name in empty)
    for name in ("GuestChange", "TableChange", "LoggedGuestChange", "GuestResult"):
        assert nullable(document["components"]["schemas"][name]["properties"]["data"]), name


def test_null_is_one_of_the_types_and_never_a_schema_of_its_own(document: Json) -> None:
    for node in walk(document):
        assert node.get("type") != "null"
        for branch in (child for key in ("anyOf", "oneOf") for child in node.get(key, ())):
            # A branch beside null is a reference: everything else says its types in one list.
            assert "$ref" in branch or branch == {"enum": [None]}, node


def test_each_child_of_a_one_of_is_a_reference(document: Json) -> None:
    found = [node for node in walk(document) if "oneOf" in node]
    assert len(found) >= 3
    for node in found:
        assert all(child.keys() == {"$ref"} for child in node["oneOf"])
        assert node["discriminator"]["mapping"].keys() == {"guest", "table"}


def test_an_enum_says_its_type(document: Json) -> None:
    found = [node for node in walk(document) if isinstance(node.get("enum"), list) and node["enum"] != [None]]
    assert len(found) > 10
    words = [node for node in found if node["enum"] != [12, 24, None]]
    assert all(node["type"] == (["string", "null"] if None in node["enum"] else "string") for node in words)
    assert {node["type"][0] for node in found if node["enum"] == [12, 24, None]} == {"integer"}


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        ({"name": "Rossi", "partySize": 2}, True),
        ({"firstName": "Anna", "partySize": 2}, True),
        ({"name": "Anna Rossi", "firstName": "Anna", "partySize": 2}, True),
        ({"partySize": 2}, False),
        ({"lastName": "Rossi", "partySize": 2}, False),
        ({"name": "Rossi"}, False),
    ],
)
def test_a_new_guest_needs_a_name_in_the_document_as_on_the_hub(
    api: httpx.Client, restaurant: int, document: Json, body: Json, fits: bool
) -> None:
    schema = {"$ref": "#/components/schemas/NewGuest", "components": document["components"]}
    assert jsonschema_rs.validator_for(schema).is_valid(body) is fits
    assert api.post(f"/restaurants/{restaurant}/guests", json=body).status_code == (201 if fits else 422)


def test_every_path_is_below_the_one_base(document: Json, api: httpx.Client, restaurant: int) -> None:
    (server,) = document["servers"]
    assert server == {"url": "/api"}
    ids = {"restaurant_id": restaurant, "guest_id": "g1", "table_id": "t1", "date": "latest", "device_id": "d1"}
    ids["person_id"] = "p1"
    ids["erasure_id"] = api.post(f"/restaurants/{restaurant}/erasures", json={"id": "nobody"}).json()["id"]
    new_table(api, restaurant, id="t1")
    new_guest(api, restaurant, id="g1")
    for path, item in document["paths"].items():
        assert path.startswith("/")
        if "get" in item:
            query: dict[str, Any] = {"restaurant_id": restaurant}
            if path == "/sync/delta":
                query["since_revision"] = 0
            if path == "/made":
                query = {"from": "127.0.0.1", "since": "2024-01-15T10:30:00Z"}
            takes_query = path.startswith(("/sync/", "/made"))
            answer = api.get("/api" + path.format(**ids), params=query if takes_query else {})
            of_devices = path in ("/pairing", "/devices", "/access", "/audit", "/staff", "/sign-in")
            assert answer.status_code == (401 if of_devices else 200), path
        else:
            # A real route: what it does not take is 405, not 404.
            assert api.get("/api" + path.format(**ids)).status_code == 405, path


def test_health_answers_below_the_base_as_well(api: httpx.Client) -> None:
    for path in ("/api/health", "/api/health/"):
        answer = api.get(path)
        assert (answer.status_code, answer.json()["status"]) == (200, "healthy")
    assert api.options("/api/health").headers["allow"] == "GET, HEAD"
    assert api.get("/api/healthy").status_code == 404


def test_each_operation_says_whose_token_it_asks_for_and_what_it_may_refuse(document: Json) -> None:
    assert document["security"] == []
    [(scheme, said)] = document["components"]["securitySchemes"].items()
    assert (said["type"], said["scheme"]) == ("http", "bearer")
    asks = {one["operationId"]: one["security"] for _, one in operations(document)}
    assert (asks["health"], asks["openPairing"], asks["getPairing"]) == ([], [], [{scheme: []}])
    assert asks["listGuests"] == [{}, {scheme: ["view"]}]
    assert asks["createGuest"] == [{}, {scheme: ["host"]}]
    assert asks["deleteRestaurant"] == [{}, {scheme: ["manager"]}]
    assert asks["listDevices"] == [{scheme: ["manager"]}], "on an open hub too"
    for name, one in operations(document):
        assert any(status.startswith("4") for status in one["responses"]), name
        assert ("401" in one["responses"]) is bool(one["security"]), name


def test_every_component_is_used(document: Json) -> None:
    used = {node["$ref"].rpartition("/")[2] for node in walk(document) if isinstance(node.get("$ref"), str)}
    assert used == document["components"]["schemas"].keys()


def test_every_request_body_has_examples_that_fit_it(document: Json) -> None:
    with_body = [(name, one["requestBody"]) for name, one in operations(document) if "requestBody" in one]
    assert len(with_body) > 10
    for name, body in with_body:
        media = body["content"]["application/json"]
        schema = {**media["schema"], "components": document["components"]}
        assert media["examples"], name
        for example in media["examples"].values():
            jsonschema_rs.validator_for(schema).validate(example["value"])


def test_every_key_that_an_answer_always_has_is_required(document: Json, api: httpx.Client, restaurant: int) -> None:
    answer = ok(api.post(f"/api/sync/batch?restaurant_id={restaurant}", json={"updates": [5]}))
    assert set(document["components"]["schemas"]["UpdateResult"]["required"]) == answer["results"][0].keys()
