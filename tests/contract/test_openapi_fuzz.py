"""Schemathesis over every route of the OpenAPI document: whatever is sent, the answer is as described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import Hub
from tests.contract.requests import new_guest, new_table
from tests.contract.test_openapi import ROUTES, plain

if TYPE_CHECKING:  # it takes a second to import, and every process of the tests reads this file
    from schemathesis.checks import CheckFunction

# Ids that exist at first, so that a route is asked for something that is there as well as for anything.
IDS = {"restaurant_id": 1, "guest_id": "g1", "table_id": "t1"}
Operations = dict[str, Any]
DELETES_LAST: list[str] = sorted(ROUTES, key=lambda route: route.startswith("delete"))


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operations]:
    """The operations of a hub's document; the hub is of this module alone, since it is renamed and emptied."""
    import schemathesis
    from schemathesis.core.result import Ok

    hub = Hub(tmp_path_factory.mktemp("fuzzed") / "data").start()
    with hub.client() as api:
        new_table(api, 1, id="t1")
        new_guest(api, 1, id="g1", tableId="t1")
    schema = schemathesis.openapi.from_url(hub.url + "/schema/openapi.json")
    found: list[Any] = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    yield {f"{operation.method} {plain(operation.path)}": operation for operation in found}
    hub.stop()


def checks() -> list[CheckFunction]:
    """What is asked of every answer."""
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    return [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def cases(operation: Any) -> st.SearchStrategy[Any]:
    """Requests to one operation, fit and unfit, of what exists and of anything."""
    from schemathesis import GenerationMode

    known = {name: value for name, value in IDS.items() if f"{{{name}}}" in operation.path}
    asked = [operation.as_strategy(GenerationMode.POSITIVE, path_parameters=known)]
    for part in ("path_parameters", "query", "headers", "body"):
        if getattr(operation, part):
            fixed = {} if part == "path_parameters" else {"path_parameters": known}
            asked.append(operation.as_strategy(GenerationMode.NEGATIVE, **fixed))
    return st.one_of(asked)


@pytest.mark.parametrize("route", DELETES_LAST)
def test_every_answer_is_as_described(described: Operations, route: str) -> None:
    @settings(
        max_examples=40,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(described[route]))
    def ask(case: Any) -> None:
        case.call_and_validate(checks=checks(), timeout=20)

    ask()
