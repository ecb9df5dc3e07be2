"""The contract of what a refusal says: to a host, to the developer, and to an app of another language."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any
from zipfile import ZipFile

import httpx
import pytest

from tests.conftest import Hub, next_message
from tests.contract.answers import PARAMS, STATUSES, WORDS, Json, any_problem, check_words, ok, only
from tests.contract.requests import BATCH, edit, new_guest, new_table, op, post_updates
from tests.contract.sockets import listen, on_both_sockets

Ask = Callable[[httpx.Client, str], httpx.Response]

# What a host is told, and what the sentence is made of: Rossi (g1, four) sits at table 12 (t1) of four, Weber (g2, two)
# holds table 13 (t2) of two, table 14 (t3) is out of service.
TOLD: list[tuple[Ask, str, Json]] = [
    (
        lambda api, root: api.post(f"{root}/guests", json={"name": "Li", "partySize": 2, "tableId": "t1"}),
        "Table 12 is taken by Rossi (party of 4).",
        {"table": "12", "guest": "Rossi", "party": 4, "held": False},
    ),
    (
        lambda api, root: api.delete(f"{root}/tables/t2"),
        "Table 13 is held for Weber (party of 2). Free the table before you delete it.",
        {"table": "13", "guest": "Weber", "party": 2, "held": True},
    ),
    (
        lambda api, root: api.patch(f"{root}/guests/g1", json={"tableId": "t3"}),
        "Table 14 is out of service.",
        {"table": "14"},
    ),
    (
        lambda api, root: api.patch(f"{root}/tables/t1", json={"capacity": 2}),
        "Table 12 seats 2, Rossi is a party of 4.",
        {"table": "12", "capacity": 2, "guest": "Rossi", "party": 4},
    ),
    (
        lambda api, root: api.patch(f"{root}/tables/t3", json={"tableNumber": "13"}),
        "There is a table 13 already. Choose another number.",
        {"table": "13"},
    ),
    (
        lambda api, root: api.patch(f"{root}/guests/g1", json={"notes": "x"}, headers={"If-Match": '"0"'}),
        "Rossi was changed by someone else meanwhile. Look again before you change it.",
        {"entity_type": "guest", "name": "Rossi"},
    ),
    (
        lambda api, root: api.patch(f"{root}/tables/t1", json={"notes": "x"}, headers={"If-Match": '"0"'}),
        "Table 12 was changed by someone else meanwhile. Look again before you change it.",
        {"entity_type": "table", "name": "12"},
    ),
    (
        lambda api, root: api.post(f"{root}/guests", json={"id": "g1", "name": "Li", "partySize": 2}),
        "This guest was added before.",
        {"entity_type": "guest", "entity_id": "g1"},
    ),
    (
        lambda api, root: api.get(f"{root}/tables/nowhere"),
        "This table was removed, or never was here.",
        {"entity_id": "nowhere"},
    ),
    (
        lambda api, root: api.delete(root),
        "Osteria still has 2 guests and 3 tables. Delete those first.",
        {"restaurant": "Osteria", "guests": 2, "tables": 3},
    ),
    (
        lambda api, root: api.post(f"{root}/guests", json={"name": "Li", "partySize": 0}),
        "The party size must be a whole number from 1 to 100.",
        {"field": "partySize"},
    ),
    (
        lambda api, root: api.patch(f"{root}/guests/g1", json={"colour": "red", "special_requests": "x" * 2001}),
        "The special requests must be a text of at most 2,000 characters.",
        {"field": "specialRequests"},
    ),
    (
        lambda api, root: api.patch(f"{root}/tables/t2", json={"minCapacity": 3}),
        "A table for 2 cannot be for at least 3.",
        {"field": "minCapacity"},
    ),
    (
        lambda api, root: api.patch(f"{root}/tables/t3", json={"currentGuestId": "g1", "status": "reserved"}),
        "Rossi is seated: no table can be held for this party.",
        {"field": "status"},
    ),
    (
        lambda api, _: api.get("/restaurants/seven/guests"),
        "This hub does not have this restaurant.",
        {"restaurant_id": None},
    ),
    (
        lambda api, root: api.patch(f"{root}/guests/g1", json={"colour": "red"}),
        "The app sent something that this hub does not understand.",
        {"field": None},
    ),
]


@pytest.fixture
def root(hub: Hub, api: httpx.Client) -> str:
    """The floor that the sentences are about."""
    restaurant = hub.new_restaurant("Osteria")
    new_table(api, restaurant, id="t1")
    new_table(api, restaurant, id="t2", tableNumber="13", capacity=2)
    new_table(api, restaurant, id="t3", tableNumber="14", status="outOfService")
    new_guest(api, restaurant, id="g1", partySize=4, tableId="t1")
    new_guest(api, restaurant, id="g2", name="Weber", status="confirmed", tableId="t2")
    return f"/restaurants/{restaurant}"


@pytest.mark.parametrize(("ask", "detail", "params"), TOLD, ids=[detail for _, detail, _ in TOLD])
def test_a_host_reads_a_sentence_and_an_app_what_it_is_made_of(
    api: httpx.Client, root: str, ask: Ask, detail: str, params: Json
) -> None:
    found = any_problem(ask(api, root))
    assert (found["detail"], found["params"]) == (detail, params)


def test_the_developer_is_told_what_to_send_instead(api: httpx.Client, root: str) -> None:
    found = any_problem(api.patch(f"{root}/guests/g2", json={"tableId": "t1", "partySize": "2", "colour": "red"}))
    assert found["hint"] == "partySize must be a whole number from 1 to 100, not '2'. (and 1 more)"
    assert any("There is no field 'colour' here." in fault["hint"] for fault in found["errors"])
    large = any_problem(api.patch(f"{root}/guests/g1", json={"partySize": 4, "tableId": "t2"}))
    assert large["error_code"] == "table_occupied"
    small = any_problem(api.patch(f"{root}/tables/t1", json={"capacity": 1}))
    assert '"allowOverCapacity": true' in small["hint"]


def test_each_fault_has_the_field_that_it_is_of(api: httpx.Client, root: str) -> None:
    sent = {"party_size": 0, "colour": "red", "lastName": "x" * 101}
    errors = any_problem(api.patch(f"{root}/guests/g1", json=sent))["errors"]
    told = {error["pointer"]: error["params"]["field"] for error in errors}
    assert told == {"/party_size": "partySize", "/colour": None, "/lastName": "lastName"}


def test_each_failing_operation_of_a_batch_has_its_words(api: httpx.Client, root: str) -> None:
    restaurant = int(root.rpartition("/")[2])
    operations = [op("guest", "update", "g2", tableId="t1"), op("guest", "update", "g2", tableId="t3", partySize=2)]
    found = any_problem(api.post(BATCH, json={"restaurant_id": restaurant, "operations": operations}))
    assert [(error["error_code"], error["params"]["table"]) for error in found["errors"]] == [
        ("table_occupied", "12"),
        ("table_unavailable", "14"),
    ]
    for error in found["errors"]:
        check_words(error)
    assert [found["errors"][0][key] for key in WORDS] == [found[key] for key in WORDS]


def test_a_refused_update_of_a_queue_has_its_words_and_one_that_was_taken_has_none(
    api: httpx.Client, root: str
) -> None:
    restaurant = int(root.rpartition("/")[2])
    refused = only(post_updates(api, restaurant, edit("g1", tableId="t2")))
    assert refused["params"] == {"table": "13", "guest": "Weber", "party": 2, "held": True}
    taken = only(post_updates(api, restaurant, edit("g1", notes="window")))
    assert [taken[key] for key in WORDS] == [None, None, {}]


@on_both_sockets
def test_an_error_on_a_socket_has_its_words(hub: Hub, restaurant: int, path: str) -> None:
    with listen(hub, path, restaurant) as sock:
        sock.send('{"type": "subscribe"}')
        error = next_message(sock)
    check_words(error)
    assert "request_delta" in error["hint"]
    assert "subscribe" not in error["detail"]


@pytest.fixture(scope="module")
def golden(hub: Hub) -> dict[str, Any]:
    """The golden file of each error code."""
    with ZipFile(io.BytesIO(httpx.get(hub.url + "/docs/fixtures.zip").content)) as zipped:
        names = [name for name in zipped.namelist() if name.startswith("fixtures/errors/")]
        return {name.split("/")[2].removesuffix(".json"): json.loads(zipped.read(name)) for name in names}


def test_every_code_says_what_a_host_can_read_and_its_own_params(golden: dict[str, Any]) -> None:
    assert PARAMS.keys() - {"any other"} <= golden.keys()
    for code, said in golden.items():
        assert said["error_code"] == code
        check_words(said)


def test_every_code_has_the_status_of_the_contract(golden: dict[str, Any]) -> None:
    assert {code: said["status"] for code, said in golden.items() if "status" in said} == STATUSES


@pytest.mark.parametrize("path", ["/schema/openapi.json", "/schema/asyncapi.json"])
def test_the_documents_say_which_params_each_code_has(api: httpx.Client, golden: dict[str, Any], path: str) -> None:
    told = ok(api.get(path))["components"]["schemas"]["Params"]
    of_each = {code: set(params) for code, params in told["x-of-each-code"].items()}
    assert of_each == {code: PARAMS.get(code, set()) for code in golden}
    assert set().union(*of_each.values()) == told["properties"].keys()


def test_the_page_of_errors_says_which_params_each_code_has(api: httpx.Client, golden: dict[str, Any]) -> None:
    page = api.get("/docs/errors").text
    for code in golden:
        entry = page[page.index(f'<h3 id="{code}">') :]
        told = entry[entry.index("<dt>Params</dt>") :].partition("</dd>")[0]
        assert all(f"<code>{name}</code>" in told for name in PARAMS.get(code, ()))
        assert ("none" in told) is (code not in PARAMS)
