"""Schemathesis over every route of the OpenAPI document: whatever is sent, the answer is as described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import Hub
from tests.contract.answers import STATUSES
from tests.contract.fitting_requests import links, made_to_fit
from tests.contract.requests import new_guest, new_table
from tests.contract.test_openapi import ROUTES, plain
from tests.fields import READ_ONLY

if TYPE_CHECKING:  # it takes a second to import, and every process of the tests reads this file
    from schemathesis.checks import CheckFunction

# Ids that exist at first, so that a route is asked for something that is there as well as for anything.
IDS = {"restaurant_id": 1, "guest_id": "g1", "table_id": "t1"}
DELTA_QUERY = {"restaurant_id", "since", "since_revision", "limit", "epoch"}
Operations = dict[str, Any]
DELETES_LAST: list[str] = sorted(ROUTES, key=lambda route: route.startswith("delete"))
ANYTHING, ANYTHING_LONG, FITTING = 12, 100, 6


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub of this module alone, since it is renamed and emptied."""
    hub = Hub(tmp_path_factory.mktemp("fuzzed") / "data").start()
    with hub.client() as api:
        new_table(api, 1, id="t1")
        new_guest(api, 1, id="g1", tableId="t1")
    yield hub
    hub.stop()


@pytest.fixture(scope="module")
def described(fuzzed: Hub) -> Operations:
    """The operations of its document."""
    import schemathesis
    from schemathesis.core.result import Ok

    schema = schemathesis.openapi.from_url(fuzzed.url + "/schema/openapi.json")
    for component in schema.raw_schema["components"]["schemas"].values():
        if "properties" in component:
            # The document leaves other names open, for the other spellings; any that is made up is refused.
            component["additionalProperties"] = False
    found: list[Any] = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    return {f"{operation.method} {plain(operation.path)}": operation for operation in found}


def checks() -> list[CheckFunction]:
    """What is asked of every answer."""
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    return [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def known(operation: Any) -> dict[str, Any]:
    """What the path of an operation names, of that which exists at first."""
    return {name: value for name, value in IDS.items() if f"{{{name}}}" in operation.path}


def cases(operation: Any) -> st.SearchStrategy[Any]:
    """Requests to one operation, fit and unfit, of what exists and of anything."""
    from schemathesis import GenerationMode

    asked = [operation.as_strategy(GenerationMode.POSITIVE, path_parameters=known(operation))]
    for part in ("path_parameters", "query", "headers", "body"):
        if getattr(operation, part):
            fixed = {} if part == "path_parameters" else {"path_parameters": known(operation)}
            asked.append(operation.as_strategy(GenerationMode.NEGATIVE, **fixed))
    return st.one_of(asked)


def tried(many: int) -> settings:
    """So many requests, the same each time."""
    return settings(
        max_examples=many,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.parametrize("route", DELETES_LAST)
@pytest.mark.parametrize("many", [ANYTHING, pytest.param(ANYTHING_LONG, marks=pytest.mark.long)])
def test_every_answer_is_as_described_and_what_does_not_fit_is_refused(
    described: Operations, route: str, many: int
) -> None:
    from schemathesis import GenerationMode

    @tried(many)
    @given(case=cases(described[route]))
    def ask(case: Any) -> None:
        answer = case.call_and_validate(checks=checks(), timeout=20)
        if case.meta.generation.mode == GenerationMode.NEGATIVE and not passes_over(route, case):
            assert answer.status_code == STATUSES[answer.json()["error_code"]] < 500, (case, answer.text)

    ask()


def passes_over(route: str, case: Any) -> bool:
    """Whether what is wrong with a request may be none of the route's business.

    A sync passes over parameters that it does not know, a full one over all but one; a body, over read-only fields; and
    an off-line queue answers for each update.
    """
    if route == "get /sync/full":
        return set(case.query) != {"restaurant_id"}
    if route == "get /sync/delta":
        return not set(case.query) <= DELTA_QUERY
    if route == "post /sync/batch":
        return bool(case.body)
    return isinstance(case.body, dict) and not case.body.keys().isdisjoint(READ_ONLY)


@pytest.mark.parametrize("route", DELETES_LAST)
def test_every_route_takes_what_fits(fuzzed: Hub, described: Operations, route: str) -> None:
    from schemathesis import GenerationMode

    operation, told = described[route], list[str]()

    @tried(FITTING)
    @given(case=operation.as_strategy(GenerationMode.POSITIVE, path_parameters=known(operation)))
    def ask(case: Any) -> None:
        with fuzzed.client() as api:
            made_to_fit(route, case, links(api, route))
        answer = case.call_and_validate(checks=checks(), timeout=20)
        told.append(f"{answer.status_code} {answer.text[:300]}")

    ask()
    assert [answer for answer in told if not answer.startswith("2")] == []
