"""Schemathesis over every route of the OpenAPI document: whatever is sent, the answer is as described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.access.closed_hub import bearer, hash_of, machine_token
from tests.conftest import Hub
from tests.contract.answers import STATUSES, Json, ok
from tests.contract.every_route import ROUTES
from tests.contract.fitting_requests import made_to_fit
from tests.contract.linked_ids import PIN, Linked, new_token
from tests.contract.requests import new_guest, new_table
from tests.contract.spoilt_requests import Spoilt, spoilt
from tests.contract.test_openapi import plain
from tests.contract.unfit_requests import must_be_refused, unfit_updates

if TYPE_CHECKING:  # it takes a second to import, and every process of the tests reads this file
    from schemathesis.checks import CheckFunction

Operations = dict[str, Any]
DELETES_LAST: list[str] = sorted(ROUTES, key=lambda route: route.startswith("delete"))
# Nobody signs in on the hub's own machine, which asks for all else.
ON_A_DEVICE = ("get /pairing", "get /sign-in", "post /sign-in", "delete /sign-in", "post /step-up")
# Of what does not fit; never for want of a right, or for the sake of something else.
REFUSED = (400, 404, 413, 415, 422)
ANYTHING, ANYTHING_LONG, FITTING = 8, 100, 6


class Fuzzed:
    """A hub of this module alone, since it is renamed and emptied; and what is there at first."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.headers = bearer(machine_token(hub))
        self.api = hub.client(headers=self.headers)
        person = {"name": "Carla", "role": "manager", "pin": PIN}
        self.manager_id: str = ok(self.api.post("/api/staff", json=person), 201)["id"]
        first = self.linked("")
        new_table(self.api, 1, id="t1")
        new_guest(self.api, 1, id="g1", tableId="t1")
        # So that a route is asked for something that is there as well as for anything.
        self.ids: Json = {"restaurant_id": 1, "guest_id": "g1", "table_id": "t1", "date": "latest"}
        self.ids |= {name: getattr(first, name) for name in ("device_id", "person_id", "erasure_id")}

    def linked(self, route: str) -> Linked:
        return Linked(self.hub, self.api, route, self.manager_id)

    def settle(self, route: str, answer: Any) -> None:
        """Do what an answer was for, so that nothing waits, and the hub is open, when the next request comes."""
        body = answer.json() if answer.status_code == 201 else {}
        if route == "post /pairing" and body.get("code"):
            device = {"code": body["code"], "name": "Host stand", "role": "host"}
            ok(self.api.post("/api/devices", json=device), 201)
        if route == "post /invitations" and body:
            device = {"token_sha256": hash_of(new_token()), "invitation": body["invitation"]}
            assert ok(self.api.post("/api/pairing", json=device), 201)["state"] == "paired"
        if route == "put /access":
            ok(self.api.put("/api/access", json={"access": "open"}))


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    """The hub of this module."""
    hub = Hub(tmp_path_factory.mktemp("fuzzed") / "data").start()
    made = Fuzzed(hub)
    yield made
    made.api.close()
    hub.stop()


@pytest.fixture(scope="module")
def described(fuzzed: Fuzzed) -> Operations:
    """The operations of its document."""
    import schemathesis
    from schemathesis.core.result import Ok

    schema = schemathesis.openapi.from_url(fuzzed.hub.url + "/schema/openapi.json")
    for component in schema.raw_schema["components"]["schemas"].values():
        if "properties" in component:
            # The document leaves other names open, for the other spellings; any that is made up is refused.
            component["additionalProperties"] = False
    for item in schema.raw_schema["paths"].values():
        for operation in item.values():
            # Who may ask is `tests/access/test_matrix.py`; here all else about a request is generated.
            operation.pop("security", None)
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


def cases(operation: Any, ids: Json) -> st.SearchStrategy[Any]:
    """Requests to one operation, fit and unfit, of what exists and of anything."""
    from schemathesis import GenerationMode

    known = {name: value for name, value in ids.items() if f"{{{name}}}" in operation.path}
    asked = [operation.as_strategy(GenerationMode.POSITIVE, path_parameters=known)]
    for part in ("path_parameters", "query", "headers", "body"):
        if getattr(operation, part):
            fixed = {} if part == "path_parameters" else {"path_parameters": known}
            asked.append(operation.as_strategy(GenerationMode.NEGATIVE, **fixed))
    return st.one_of(asked)


def fitting_cases(operation: Any) -> st.SearchStrategy[Any]:
    """Requests that fit; what their path names is put in afterwards."""
    from schemathesis import GenerationMode

    names = [one.name for one in operation.path_parameters]
    found: st.SearchStrategy[Any] = operation.as_strategy(
        GenerationMode.POSITIVE, path_parameters=dict.fromkeys(names, 1)
    )
    return found


def tried(many: int) -> settings:
    """So many requests, drawn without a seed; which they are hangs on what else was imported, too."""
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
    fuzzed: Fuzzed, described: Operations, route: str, many: int
) -> None:
    headers = bearer(fuzzed.linked(route).device["token"]) if route in ON_A_DEVICE else fuzzed.headers

    @tried(many)
    @given(case=cases(described[route], fuzzed.ids))
    def ask(case: Any) -> None:
        answer = case.call_and_validate(checks=checks(), headers=headers, timeout=20)
        if must_be_refused(route, case):
            assert answer.status_code in REFUSED, (case, answer.text)
            assert answer.status_code == STATUSES[answer.json()["error_code"]], (case, answer.text)
        elif route == "post /sync/batch" and answer.status_code == 200:
            for unfit, result in zip(unfit_updates(case), answer.json()["results"], strict=True):
                assert not unfit or result["status"] in {"rejected", "duplicate"}, (case, answer.text)
        fuzzed.settle(route, answer)

    ask()


@pytest.mark.parametrize("route", DELETES_LAST)
def test_every_route_takes_what_fits(fuzzed: Fuzzed, described: Operations, route: str) -> None:
    @tried(1 if route in ON_A_DEVICE else FITTING)  # of a PIN nothing is left to chance
    @given(case=fitting_cases(described[route]))
    def ask(case: Any) -> None:
        ids = fuzzed.linked(route)
        made_to_fit(route, case, ids)
        headers = bearer(ids.token) if route in ON_A_DEVICE else fuzzed.headers
        answer = case.call_and_validate(checks=checks(), headers=headers, timeout=20)
        taken = 200 <= answer.status_code < 300 and (route != "post /sync/batch" or answer.json()["success"])
        assert taken, (case, answer.status_code, answer.text)
        fuzzed.settle(route, answer)

    ask()


@pytest.mark.parametrize("route", DELETES_LAST)
def test_what_fits_is_refused_with_one_thing_spoilt(fuzzed: Fuzzed, described: Operations, route: str) -> None:
    operation, ids = described[route], fuzzed.linked(route)
    headers = bearer(ids.token) if route in ON_A_DEVICE else fuzzed.headers

    def ask(sent: Spoilt) -> httpx.Response:
        body = {} if sent.body is None else {"json": sent.body}
        path = "/api" + operation.path.format(**sent.path)
        return fuzzed.api.request(
            operation.method, path, params=sent.query, headers={**headers, **sent.headers}, **body
        )

    @tried(1)
    @given(case=fitting_cases(operation))
    def spoil(case: Any) -> None:
        made_to_fit(route, case, ids)
        fitting = Spoilt(case.path_parameters, case.query, body=case.body if isinstance(case.body, dict) else None)
        for sent in spoilt(route, case, fitting, ids):
            answer = ask(sent)
            if sent.entry:
                assert ok(answer)["results"][0]["status"] == "rejected", (sent, answer.text)
            else:
                assert answer.status_code in sent.refused, (sent, answer.status_code, answer.text)
                assert answer.status_code == STATUSES[answer.json()["error_code"]], (sent, answer.text)
        answer = ask(fitting)
        assert answer.is_success, (fitting, answer.text)
        fuzzed.settle(route, answer)

    spoil()
