"""The contract's limits of one request: what it holds, which faults are listed, how far it looks back."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.conftest import Hub, next_message
from tests.contract.answers import Json, ok, problem, results
from tests.contract.requests import BATCH, edit, new_guest, op, patch_guest, post_batch, post_updates
from tests.contract.sockets import listen

JSON_TYPE = {"Content-Type": "application/json"}
MORE = "There are more than 100 faults: 100 are listed; fix those first."
LONG = "k" * 5_000


def post(api: httpx.Client, restaurant: int, text: str) -> httpx.Response:
    """The answer to a batch whose `metadata`, which nobody reads, is this text."""
    body = f'{{"restaurant_id": {restaurant}, "operations": [5], "metadata": {text}}}'
    return api.post(BATCH, content=body, headers=JSON_TYPE)


@pytest.mark.parametrize("texts", [f"[{','.join('0' * 99_990)}]", f"[{','.join(['{}'] * 9_990)}]", '"[,{"'])
def test_what_a_body_may_hold_is_read(api: httpx.Client, restaurant: int, texts: str) -> None:
    problem(post(api, restaurant, texts), 422, "validation_failed")


@pytest.mark.parametrize("values", [f"[{','.join('0' * 100_001)}]", f"[{','.join(['[]'] * 10_001)}]"])
def test_a_body_of_more_values_is_invalid_json(api: httpx.Client, restaurant: int, values: str) -> None:
    said = problem(post(api, restaurant, values), 400, "invalid_json")
    assert "more than 100,000 values, or more than 10,000 objects and lists" in said["hint"]


@pytest.mark.parametrize("values", [[0] * 1_001, [[]] * 101])
def test_a_message_of_more_values_is_an_error_and_the_socket_stays(
    hub: Hub, restaurant: int, values: list[Any]
) -> None:
    with listen(hub, "/realtime", restaurant) as sock:
        sock.send(json.dumps({"type": "ping", "timestamp": values}))
        assert next_message(sock)["error_code"] == "invalid_json"
        sock.send(json.dumps({"type": "ping", "timestamp": values[: len(values) * 9 // 10]}))
        assert next_message(sock)["type"] == "pong"


@pytest.mark.parametrize(
    ("number", "read"), [("1" * 640, True), ("1" * 641, False), ("0." + "1" * 38, True), ("0." + "1" * 39, False)]
)
def test_a_number_has_40_characters_or_640_digits(api: httpx.Client, restaurant: int, number: str, read: bool) -> None:
    if read:
        problem(post(api, restaurant, number), 422, "validation_failed")
    else:
        problem(post(api, restaurant, number), 400, "invalid_json")


def test_a_query_has_100_parameters(api: httpx.Client, restaurant: int) -> None:
    path = f"/restaurants/{restaurant}/guests"
    assert api.get(path + "?" + "&".join(["status=seated"] * 100)).status_code == 200
    said = problem(api.get(path + "?" + "&".join(["status=seated"] * 101)), 400, "invalid_query")
    assert "more than 100 parameters" in said["hint"]


def test_100_faults_are_listed_and_the_hint_says_where_there_are_more(api: httpx.Client, restaurant: int) -> None:
    path = f"/restaurants/{restaurant}/guests/"
    for count, listed in ((100, 100), (101, 100), (2_000, 100)):
        body = {"name": "Rossi", "partySize": 2, **{f"k{n}": 0 for n in range(count)}}
        answer = api.post(path, json=body)
        said = problem(answer, 422, "validation_failed")
        assert len(said["errors"]) == listed
        assert said["hint"].endswith(MORE) is (count > 100)
        assert len(answer.content) < 64 * 1024


def test_a_batch_is_read_as_far_as_its_faults_can_be_listed(api: httpx.Client, restaurant: int) -> None:
    """The first operation is one that only the floor refuses: the problem is its own."""
    bad = op("guest", "create", None, **{f"k{n}": 0 for n in range(50)}, name="Rossi", partySize=2)
    answer = post_batch(api, restaurant, op("guest", "update", "nobody", notes="x"), *[bad] * 400)
    said = problem(answer, 404, "guest_not_found")
    assert said["success"] is False
    assert said["hint"].endswith(MORE)
    assert [error["operation"] for error in said["errors"]] == [0, *[1] * 50, *[2] * 49]


def test_of_what_came_40_characters_are_repeated(api: httpx.Client, restaurant: int) -> None:
    path = f"/restaurants/{restaurant}/guests"
    body = {LONG: 0, "name": "Rossi", "partySize": 2, "status": LONG, "phone": LONG}
    said: list[Json] = [
        problem(api.post(path, json=body), 422, "validation_failed"),
        problem(api.post(path, json={"name": "Rossi", "partySize": 2, "tableId": LONG}), 404, "table_not_found"),
        problem(api.get(path, params={LONG: 0}), 400, "invalid_query"),
        problem(api.get(path, params={"status": LONG}), 400, "invalid_query"),
        problem(api.post(path, content=f'{{"{LONG}": 0, "{LONG}": 0}}', headers=JSON_TYPE), 400, "invalid_json"),
        problem(post_batch(api, restaurant, op("guest", "update", LONG, notes="x")), 404, "guest_not_found"),
    ]
    for one in said:
        for text in (one["hint"], *(error[key] for error in one["errors"] for key in ("hint", "pointer"))):
            assert "k" * 41 not in text
        assert "k" * 41 not in one["detail"]
        assert "k" * 65 not in str(one), "an id may have 64 characters, and params tell it whole"
    assert "k" * 40 in said[0]["errors"][0]["hint"]


def with_notes(api: httpx.Client, restaurant: int, count: int) -> int:
    """The version of the guest g1 before so many changes of his notes."""
    version: int = new_guest(api, restaurant, id="g1", email="a@b")["version"]
    patch_guest(api, restaurant, "g1", phone="1")
    for begin in range(0, count - 1, 400):
        steps = [edit("g1", notes=f"{n}") for n in range(begin, min(begin + 400, count - 1))]
        assert ok(post_updates(api, restaurant, *steps))["success"]
    return version


@pytest.mark.parametrize(("back", "status"), [(299, "applied"), (300, "conflict")])
def test_a_base_version_is_known_for_300_commits_of_the_guest(
    api: httpx.Client, restaurant: int, back: int, status: str
) -> None:
    """His e-mail was not changed since: where his base is known, there is no conflict."""
    base = with_notes(api, restaurant, back)
    assert [one["status"] for one in results(post_updates(api, restaurant, edit("g1", base=base, email="c@d")))] == [
        status
    ]


def test_a_queue_of_500_with_a_base_1000_revisions_old_is_merged(api: httpx.Client, restaurant: int) -> None:
    base = with_notes(api, restaurant, 1_000)
    updates = [edit("g1", base=base, email="c@d"), *[edit("g1", base=base, phone="2") for _ in range(499)]]
    assert [one["status"] for one in results(post_updates(api, restaurant, *updates))] == ["applied"] + [
        "conflict"
    ] * 499


@pytest.mark.parametrize(("back", "notes"), [(299, "1"), (300, "old")])
def test_a_version_seen_is_known_for_300_commits_too(api: httpx.Client, restaurant: int, back: int, notes: str) -> None:
    """What the client had seen then counts as not sent; where the hub cannot know, it is a wish."""
    version = new_guest(api, restaurant, id="g1", notes="old")["version"]
    ok(post_updates(api, restaurant, *[edit("g1", notes=f"{n % 2}") for n in range(back, 0, -1)]))
    patched = patch_guest(api, restaurant, "g1", version=version, notes="old", phone="1")
    assert (patched["notes"], patched["phone"]) == (notes, "1")
