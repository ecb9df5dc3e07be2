"""The contract of keys: the same request with the same key has one effect and one answer."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.conftest import WAIT_S, Hub
from tests.contract.answers import Json, ok, problem
from tests.contract.requests import BATCH, floor_of, new_guest, new_table, op, patch_guest, post_batch

GUEST: Json = {"name": "Rossi", "partySize": 2}
KEY = {"Idempotency-Key": "KEY"}
KEPT_HEADERS = ("etag", "location", "restohub-revision", "restohub-transaction", "restohub-epoch", "content-type")

# Every change of a restaurant: method, path within the restaurant, body.
CHANGES: list[tuple[str, str, Json | None]] = [
    ("POST", "/guests/", GUEST),
    ("PUT", "/guests/g1", {"notes": "window"}),
    ("PATCH", "/guests/g1", {"notes": "window"}),
    ("DELETE", "/guests/g1", None),
    ("PUT", "/guests/g1/status/atomic", {"status": "notified"}),
    ("PUT", "/guests/g1/status/atomic?new_status=notified", None),
    ("POST", "/tables/", {"tableNumber": "13", "capacity": 4}),
    ("PUT", "/tables/t1", {"section": "Patio"}),
    ("PATCH", "/tables/t1", {"section": "Patio"}),
    ("DELETE", "/tables/t1", None),
]


def replayed(first: httpx.Response, again: httpx.Response) -> None:
    """Hold that `again` is the first answer, word for word, and says that it is."""
    assert "idempotency-replayed" not in first.headers
    assert again.headers.get("idempotency-replayed") == "true", again.text
    assert (again.status_code, again.content) == (first.status_code, first.content)
    for name in KEPT_HEADERS:
        assert again.headers.get(name) == first.headers.get(name), name


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_the_same_key_and_request_give_the_first_answer_again(
    api: httpx.Client, restaurant: int, method: str, path: str, body: Json | None
) -> None:
    new_guest(api, restaurant, id="g1")
    new_table(api, restaurant, id="t1")
    url = f"/restaurants/{restaurant}{path}"
    first = api.request(method, url, json=body, headers=KEY)
    assert first.is_success, first.text
    before = floor_of(api, restaurant)
    replayed(first, api.request(method, url, json=body, headers=KEY))
    assert floor_of(api, restaurant) == before


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_a_key_with_another_request_is_refused(
    api: httpx.Client, restaurant: int, method: str, path: str, body: Json | None
) -> None:
    new_guest(api, restaurant, id="g1")
    new_table(api, restaurant, id="t1")
    first = api.post(f"/restaurants/{restaurant}/guests/", json={"name": "Verdi", "partySize": 3}, headers=KEY)
    assert first.status_code == 201
    before = floor_of(api, restaurant)
    answer = api.request(method, f"/restaurants/{restaurant}{path}", json=body, headers=KEY)
    problem(answer, 422, "idempotency_key_reused")
    assert floor_of(api, restaurant) == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/guests/g1", {"notes": "door"}),
        ("PATCH", "/guests/g1", {"notes": "window", "partySize": 2}),
        ("PATCH", "/guests/g1", {"notes": None}),
        ("PUT", "/guests/g1", {"notes": "window"}),
        ("PATCH", "/guests/g2", {"notes": "window"}),
        ("PATCH", "/tables/t1", {"notes": "window"}),
    ],
)
def test_method_path_and_body_are_part_of_the_request(
    api: httpx.Client, restaurant: int, method: str, path: str, body: Json
) -> None:
    for guest in ("g1", "g2"):
        new_guest(api, restaurant, id=guest)
    new_table(api, restaurant, id="t1")
    ok(api.patch(f"/restaurants/{restaurant}/guests/g1", json={"notes": "window"}, headers=KEY))
    answer = api.request(method, f"/restaurants/{restaurant}{path}", json=body, headers=KEY)
    problem(answer, 422, "idempotency_key_reused")


def test_the_query_is_part_of_the_request(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    url = f"/restaurants/{restaurant}/guests/g1/status/atomic"
    ok(api.put(f"{url}?new_status=notified", headers=KEY))
    problem(api.put(f"{url}?new_status=arrived", headers=KEY), 422, "idempotency_key_reused")


@pytest.mark.parametrize(
    "body",
    [
        b'{"partySize":2,"name":"R\xc3\xb6ssi","tags":["a","b"]}',
        b'{ "tags": ["a", "b"],\n"name": "R\xc3\xb6ssi", "partySize": 2 }\n',
        b'{"name":"R\\u00f6ssi","partySize":2,"tags":["\\u0061","b"]}',
    ],
)
def test_the_body_is_compared_as_data_not_as_bytes(api: httpx.Client, restaurant: int, body: bytes) -> None:
    url = f"/restaurants/{restaurant}/guests/"
    headers = {**KEY, "Content-Type": "application/json"}
    first = api.post(url, content='{"name":"Rössi","partySize":2,"tags":["a","b"]}', headers=headers)
    assert first.status_code == 201
    replayed(first, api.post(url, content=body, headers=headers))


def test_the_order_of_a_list_is_part_of_the_body(api: httpx.Client, restaurant: int) -> None:
    url = f"/restaurants/{restaurant}/guests/"
    assert api.post(url, json={**GUEST, "tags": ["a", "b"]}, headers=KEY).status_code == 201
    problem(api.post(url, json={**GUEST, "tags": ["b", "a"]}, headers=KEY), 422, "idempotency_key_reused")


def test_a_key_belongs_to_one_restaurant(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    for place in (restaurant, hub.new_restaurant()):
        answer = api.post(f"/restaurants/{place}/guests/", json=GUEST, headers=KEY)
        assert answer.status_code == 201
        assert "idempotency-replayed" not in answer.headers
        assert len(floor_of(api, place)["guests"]) == 1


def test_without_a_key_a_repeat_is_another_change(api: httpx.Client, restaurant: int) -> None:
    for _ in range(2):
        assert api.post(f"/restaurants/{restaurant}/guests/", json=GUEST).status_code == 201
    assert len(floor_of(api, restaurant)["guests"]) == 2


def test_a_replay_comes_before_the_present_state(api: httpx.Client, restaurant: int) -> None:
    url = f"/restaurants/{restaurant}/guests/"
    first = api.post(url, json={**GUEST, "id": "g1"}, headers=KEY)
    assert api.delete(f"{url}g1").status_code == 204
    replayed(first, api.post(url, json={**GUEST, "id": "g1"}, headers=KEY))
    assert api.get(f"{url}g1").status_code == 404


def test_a_replay_comes_before_the_version(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    url, headers = f"/restaurants/{restaurant}/guests/g1", {**KEY, "If-Match": '"1"'}
    first = api.patch(url, json={"notes": "window"}, headers=headers)
    replayed(first, api.patch(url, json={"notes": "window"}, headers=headers))


def test_a_refused_request_is_decided_anew(api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, id="t1")
    new_guest(api, restaurant, id="g1", tableId="t1")
    body: Json = {**GUEST, "id": "g2", "tableId": "t1"}
    problem(api.post(f"/restaurants/{restaurant}/guests/", json=body, headers=KEY), 409, "table_occupied")
    patch_guest(api, restaurant, "g1", status="finished")
    first = api.post(f"/restaurants/{restaurant}/guests/", json=body, headers=KEY)
    assert first.status_code == 201
    replayed(first, api.post(f"/restaurants/{restaurant}/guests/", json=body, headers=KEY))


def test_the_key_of_a_refused_request_is_free_for_another(api: httpx.Client, restaurant: int) -> None:
    url = f"/restaurants/{restaurant}/guests/"
    problem(api.post(url, json={"name": "Rossi", "partySize": 0}, headers=KEY), 422, "validation_failed")
    assert api.post(url, json=GUEST, headers=KEY).status_code == 201


def test_a_request_that_changed_nothing_is_decided_anew(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1", notes="window")
    url, body = f"/restaurants/{restaurant}/guests/g1", {"notes": "window"}
    ok(api.patch(url, json=body, headers=KEY))
    patch_guest(api, restaurant, "g1", notes="door")
    answer = api.patch(url, json=body, headers=KEY)
    assert ok(answer)["notes"] == "window"
    assert "idempotency-replayed" not in answer.headers
    assert ok(api.get(url))["notes"] == "window"


@pytest.mark.parametrize("key", ["k", "~" * 200, "two words", """!"#$%&'()*+,-./:;<=>?@[]^_`{|}~"""])
def test_a_key_is_up_to_200_printable_characters(api: httpx.Client, restaurant: int, key: str) -> None:
    url, headers = f"/restaurants/{restaurant}/guests/", {"Idempotency-Key": key}
    first = api.post(url, json=GUEST, headers=headers)
    assert first.status_code == 201
    replayed(first, api.post(url, json=GUEST, headers=headers))


@pytest.mark.parametrize("key", [b"", b"k" * 201, "schlüssel".encode(), b"tab\tkey", b"\xff"])
def test_any_other_key_is_refused(api: httpx.Client, restaurant: int, key: bytes) -> None:
    headers = [(b"Idempotency-Key", key)]
    problem(api.post(f"/restaurants/{restaurant}/guests/", json=GUEST, headers=headers), 422, "validation_failed")
    assert floor_of(api, restaurant)["revision"] == 0


def test_equal_requests_at_once_have_one_effect(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    def ask(_: int) -> httpx.Response:
        return httpx.post(
            f"{hub.url}/restaurants/{restaurant}/guests/", json=GUEST, headers=KEY, timeout=20, verify=False
        )

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(32)))
    (first,) = (answer for answer in answers if "idempotency-replayed" not in answer.headers)
    for answer in answers:
        if answer is not first:
            replayed(first, answer)
    assert floor_of(api, restaurant)["revision"] == 1


def test_of_different_requests_at_once_with_one_key_one_is_done(hub: Hub, restaurant: int) -> None:
    asking = [http.client.HTTPConnection("127.0.0.1", hub.port, timeout=WAIT_S) for _ in range(16)]
    for one in asking:
        one.connect()
    for size, one in enumerate(asking, 1):  # all are there before the first is committed
        body = json.dumps({**GUEST, "partySize": size})
        one.request("POST", f"/restaurants/{restaurant}/guests/", body, {**KEY, "Content-Type": "application/json"})
    codes = [json.loads(one.getresponse().read()).get("error_code") for one in asking]
    for one in asking:
        one.close()
    assert sorted(codes, key=str) == [None] + 15 * ["idempotency_key_reused"]


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_keys_are_honoured_across_a_restart(new_hub: Callable[..., Hub], end: str) -> None:
    hub = new_hub().start()
    requests: list[tuple[str, str, Any]] = [
        ("POST", "/restaurants", {"name": "Osteria"}),
        ("POST", "/restaurants/1/guests/", {**GUEST, "id": "g1"}),
        ("PUT", "/restaurants/1/guests/g1/status/atomic", {"status": "notified"}),
        ("POST", BATCH, {"operations": [op("guest", "update", "g1", notes="window")]}),
        ("DELETE", "/restaurants/1/guests/g1", None),
    ]
    asked = [(method, url, body, {"Idempotency-Key": f"key {n}"}) for n, (method, url, body) in enumerate(requests)]
    with hub.client() as api:
        first = [api.request(method, url, json=body, headers=headers) for method, url, body, headers in asked]
    assert all(answer.is_success for answer in first), [answer.text for answer in first]
    if end == "stop":
        hub.stop()
    else:
        hub.kill()
    with hub.start().client() as api:
        for answer, (method, url, body, headers) in zip(first, asked, strict=True):
            replayed(answer, api.request(method, url, json=body, headers=headers))
        assert floor_of(api, 1)["revision"] == 4
        assert len(api.get("/restaurants").json()) == 2
        problem(api.post("/restaurants/1/guests/", json=GUEST, headers=asked[1][3]), 422, "idempotency_key_reused")


def test_a_key_makes_one_restaurant(api: httpx.Client, restaurant: int) -> None:
    headers = {"Idempotency-Key": f"a new one beside {restaurant}"}
    first = api.post("/restaurants", json={"name": "Osteria"}, headers=headers)
    assert first.status_code == 201
    replayed(first, api.post("/restaurants", json={"name": "Osteria"}, headers=headers))
    problem(api.post("/restaurants", json={"name": "Bar"}, headers=headers), 422, "idempotency_key_reused")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_key_renames_a_restaurant_once(api: httpx.Client, restaurant: int, method: str) -> None:
    headers, url = {"Idempotency-Key": f"a name for {restaurant}"}, f"/restaurants/{restaurant}"
    first = api.request(method, url, json={"name": "Osteria"}, headers=headers)
    assert ok(first)["name"] == "Osteria"
    ok(api.patch(url, json={"name": "Bar"}))
    replayed(first, api.request(method, url, json={"name": "Osteria"}, headers=headers))
    assert ok(api.get(url))["name"] == "Bar"


def test_a_restaurant_s_key_is_one_of_the_whole_hub(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    headers = {"Idempotency-Key": f"one name beside {restaurant}"}
    ok(api.patch(f"/restaurants/{restaurant}", json={"name": "Osteria"}, headers=headers))
    other = api.patch(f"/restaurants/{hub.new_restaurant()}", json={"name": "Osteria"}, headers=headers)
    problem(other, 422, "idempotency_key_reused")
    guest = api.post(f"/restaurants/{restaurant}/guests/", json=GUEST, headers=headers)
    assert guest.status_code == 201


def test_a_transaction_id_is_a_key_as_well(api: httpx.Client, restaurant: int) -> None:
    first = post_batch(api, restaurant, op("guest", "create", **GUEST), transaction_id="tx-1")
    assert first.status_code == 200
    replayed(first, post_batch(api, restaurant, op("guest", "create", **GUEST), transaction_id="tx-1"))
    assert floor_of(api, restaurant)["revision"] == 1
    other = post_batch(api, restaurant, op("guest", "create", name="Verdi", partySize=2), transaction_id="tx-1")
    problem(other, 422, "idempotency_key_reused")


def test_a_refused_or_idle_transaction_is_decided_anew(api: httpx.Client, restaurant: int) -> None:
    step = op("guest", "update", "g1", notes="window")
    problem(post_batch(api, restaurant, step, transaction_id="tx-1"), 404, "guest_not_found")
    new_guest(api, restaurant, id="g1", notes="window")
    assert ok(post_batch(api, restaurant, step, transaction_id="tx-1"))["changes"] == []
    patch_guest(api, restaurant, "g1", notes="door")
    answer = post_batch(api, restaurant, step, transaction_id="tx-1")
    assert ok(answer)["revision"] == 3
    assert "idempotency-replayed" not in answer.headers


def test_a_key_beside_a_transaction_id_is_ignored(api: httpx.Client, restaurant: int) -> None:
    for number in ("1", "2"):
        body = {
            "restaurant_id": restaurant,
            "transaction_id": f"tx-{number}",
            "operations": [op("guest", "create", f"g{number}", **GUEST)],
        }
        answer = api.post(BATCH, json=body, headers=KEY)
        assert ok(answer)["transaction_id"] == f"tx-{number}"
    assert floor_of(api, restaurant)["guests"].keys() == {"g1", "g2"}


def test_a_key_without_a_transaction_id_repeats_a_batch(api: httpx.Client, restaurant: int) -> None:
    body = {"restaurant_id": restaurant, "operations": [op("guest", "create", **GUEST)]}
    first = api.post(BATCH, json=body, headers=KEY)
    assert first.status_code == 200
    replayed(first, api.post(BATCH, json=body, headers=KEY))
    assert len(floor_of(api, restaurant)["guests"]) == 1


def test_the_older_form_repeats_by_its_transaction_id(api: httpx.Client, restaurant: int) -> None:
    body = {
        "transaction_id": "tx-1",
        "restaurant_id": restaurant,
        "guests": [{"id": "g1", "operation": "create", "data": GUEST}],
        "tables": [],
    }
    first = api.post(BATCH, json=body)
    assert first.status_code == 200
    replayed(first, api.post(BATCH, json=body))
