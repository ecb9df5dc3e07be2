"""The contract of the OpenAPI document: what it names, and that the hub's answers are what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest

from tests.conftest import Hub
from tests.contract.answers import Json, ok
from tests.contract.every_route import ROUTES, asked
from tests.fields import GUEST, RESTAURANT, TABLE

METHODS = ("get", "put", "post", "delete", "patch")
DIGITS_TOO = "Its digits as a text are taken too. Null names none."


@pytest.fixture
def document(api: httpx.Client) -> Json:
    """The OpenAPI document."""
    return ok(api.get("/schema/openapi.json"))


def plain(path: str) -> str:
    """A path without the names of its parameters and without a trailing slash."""
    return re.sub(r"\{[^}]*\}", "{}", path).rstrip("/") or "/"


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    """Each operation, with its method and plain path."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method} {plain(path)}", item[method]


def resolved(document: Json, node: Json) -> Json:
    """What a node says, or what its `$ref` points at."""
    while "$ref" in node:
        found: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def operation(document: Json, name: str) -> Json:
    """The operation of a method and plain path."""
    return dict(operations(document))[name]


def answer_schema(document: Json, name: str, status: int) -> Json:
    """The schema of an answer's JSON body."""
    content = resolved(document, operation(document, name)["responses"][str(status)])["content"]
    schema: Json = content["application/json"]["schema"]
    return schema


def walk(node: Any) -> Iterator[Json]:
    """Every object within a document."""
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from walk(child)
    elif isinstance(node, list):
        for child in node:
            yield from walk(child)


def reachable(document: Json, schema: Json, seen: set[str]) -> Iterator[Json]:
    """A schema and every schema that it refers to, each once."""
    for node in walk(schema):
        yield node
        reference = node.get("$ref")
        if isinstance(reference, str) and reference not in seen:
            seen.add(reference)
            yield from reachable(document, resolved(document, node), seen)


def test_the_document_is_openapi_3_1_0(document: Json) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["info"]["title"]
    assert document["info"]["version"]
    assert all("nullable" not in node or isinstance(node["nullable"], dict) for node in walk(document))


def test_every_route_stands_in_the_document_once(document: Json) -> None:
    names = [name for name, _ in operations(document)]
    assert len(names) == len(set(names))
    assert set(names) == set(ROUTES), set(ROUTES) ^ set(names)
    assert not [path for path in document["paths"] if path.startswith("/api/")]


def test_every_operation_has_an_id_of_its_own(document: Json) -> None:
    ids = [one.get("operationId") for _, one in operations(document)]
    assert all(isinstance(name, str) and re.fullmatch(r"[A-Za-z_]\w*", name) for name in ids)
    assert len(ids) == len(set(ids))


def test_operation_ids_are_the_same_on_every_hub(document: Json, new_hub: Callable[..., Hub]) -> None:
    with new_hub().start().client() as api:
        other = ok(api.get("/schema/openapi.json"))
    ids = [(name, one["operationId"]) for name, one in operations(document)]
    assert ids == [(name, one["operationId"]) for name, one in operations(other)]


def test_every_refusal_is_a_problem_document(document: Json) -> None:
    health = {"get /health", "get /sync/health"}
    for name, one in operations(document):
        for status, answer in one["responses"].items():
            if status[0] in "45" or status == "default":
                content = resolved(document, answer)["content"]
                wanted = {"application/json"} if name in health and status == "503" else {"application/problem+json"}
                assert content.keys() == wanted, (name, status)
                schema = next(iter(content.values()))["schema"]
                assert "$ref" in schema, (name, status)


def test_every_operation_says_what_may_be_refused(document: Json) -> None:
    for name in ROUTES:
        statuses = operation(document, name)["responses"].keys()
        assert any(status.startswith(("4", "5")) or status == "default" for status in statuses), name


def test_bodies_are_named_component_schemas(document: Json) -> None:
    named: list[tuple[str, Json]] = []
    for name, one in operations(document):
        for answer in [*one["responses"].values(), one.get("requestBody", {})]:
            for kind, media in resolved(document, answer).get("content", {}).items():
                if kind.endswith("json"):
                    named.append((name, media["schema"]))
    for name, schema in named:
        whole = schema["items"] if schema.get("type") == "array" else schema
        children = whole.get("oneOf", whole.get("anyOf", [whole]))
        assert all("$ref" in child for child in children), (name, schema)


def test_every_reference_leads_to_a_component(document: Json) -> None:
    for node in walk(document["paths"]):
        if isinstance(node.get("$ref"), str):
            assert resolved(document, node)


def test_every_component_schema_is_valid(document: Json) -> None:
    for name, schema in document["components"]["schemas"].items():
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name), name
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("get /restaurants/{}/guests/{}", list(GUEST)),
        ("get /restaurants/{}/tables/{}", list(TABLE)),
        ("get /restaurants/{}", list(RESTAURANT)),
    ],
)
def test_an_entity_has_exactly_its_fields_and_all_are_always_there(
    document: Json, name: str, fields: list[str]
) -> None:
    schema = resolved(document, answer_schema(document, name, 200))
    assert sorted(schema["properties"]) == sorted(fields)
    assert sorted(schema["required"]) == sorted(fields)


@pytest.mark.parametrize("entity", ["guests", "tables"])
def test_entities_are_named_in_camel_case_alone(document: Json, entity: str) -> None:
    names: set[str] = set()
    for route, one in operations(document):
        if f"/{entity}" in route and not route.endswith("/atomic"):
            media = [resolved(document, answer).get("content", {}) for answer in one["responses"].values()]
            media.append(resolved(document, one.get("requestBody", {})).get("content", {}))
            for content in media:
                for node in reachable(document, content.get("application/json", {}), set()):
                    if isinstance(node.get("properties"), dict):
                        names |= node["properties"].keys()
    assert {"id", "notes"} <= names
    assert not [name for name in names if not re.fullmatch(r"[a-z][a-zA-Z]*", name)], names


def test_whole_numbers_are_written_without_a_point(api: httpx.Client) -> None:
    found: list[str] = []

    def note(number: str) -> float:
        found.append(number)
        return float(number)

    json.loads(api.get("/schema/openapi.json").text, parse_float=note)
    assert [number for number in found if float(number).is_integer()] == []


def test_the_phase_is_a_closed_set(document: Json) -> None:
    guest = resolved(document, answer_schema(document, "get /restaurants/{}/guests/{}", 200))
    assert sorted(resolved(document, guest["properties"]["phase"])["enum"]) == ["done", "expected", "seated", "waiting"]


@pytest.mark.parametrize("name", ["BatchRequest", "OperationRequest", "OlderOperation", "QueueRequest", "QueuedUpdate"])
def test_what_names_the_restaurant_of_a_batch_is_a_number_or_null_or_its_digits(document: Json, name: str) -> None:
    """contract.md, "Naming the restaurant"."""
    schema = document["components"]["schemas"][name]["properties"]["restaurant_id"]
    takes = jsonschema_rs.validator_for(schema).is_valid
    assert (schema["type"], schema["description"]) == (["integer", "null"], DIGITS_TOO)
    assert all(map(takes, (1, 2**53 - 1, None)))
    assert not any(map(takes, (0, 2**53, 1.5, True, "x", [], {})))


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[str, httpx.Response]]]:
    """What a hub of this module alone answered to each route."""
    hub = Hub(tmp_path_factory.mktemp("asked") / "data").start()
    yield list(asked(hub))
    hub.stop()


def test_real_answers_are_as_the_document_says(answers: list[tuple[str, httpx.Response]], document: Json) -> None:
    for name, answer in answers:
        described = operation(document, name)["responses"].get(str(answer.status_code))
        assert described is not None, (name, answer.status_code, answer.text)
        content = resolved(document, described).get("content", {})
        if answer.status_code == 204:
            assert not content
            assert not answer.content
            continue
        schema = content[answer.headers["content-type"].split(";")[0]]["schema"]
        faults = jsonschema_rs.validator_for({**schema, "components": document["components"]}).iter_errors(
            answer.json()
        )
        assert [f"{fault.message} at {fault.instance_path}" for fault in faults] == [], (name, answer.text)


def test_every_route_s_good_answer_was_asked_for(answers: list[tuple[str, httpx.Response]]) -> None:
    assert {name for name, answer in answers if answer.is_success} == set(ROUTES)
