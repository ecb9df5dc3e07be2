"""The contract of refusals: each error_code with its status, as a problem document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.contract.answers import WORDS, Json, ok, problem
from tests.contract.requests import BATCH, SYNC_BATCH, new_guest, new_table, op, patch_guest, post_batch

KIB = 1024
NOBODY = 2**53 - 1
GUEST: Json = {"name": "Rossi", "partySize": 2}
JSON_TYPE = {"Content-Type": "application/json"}

Ask = Callable[[httpx.Client, int], httpx.Response]

# What brings each code, on a floor where g1 sits at t1 (number 12, for 4), t2 is free, t3 out of service.
REFUSALS: list[tuple[int, str, Ask]] = [
    (400, "invalid_json", lambda api, r: api.post(f"/restaurants/{r}/guests/", content=b"{", headers=JSON_TYPE)),
    (400, "invalid_query", lambda api, r: api.get(f"/restaurants/{r}/guests/?limit=0")),
    (404, "restaurant_not_found", lambda api, _: api.get(f"/restaurants/{NOBODY}")),
    (404, "guest_not_found", lambda api, r: api.get(f"/restaurants/{r}/guests/nobody")),
    (404, "table_not_found", lambda api, r: api.get(f"/restaurants/{r}/tables/nowhere")),
    (404, "route_not_found", lambda api, r: api.get(f"/restaurants/{r}/waiters")),
    (405, "method_not_allowed", lambda api, r: api.delete(f"/restaurants/{r}/guests/")),
    (413, "body_too_large", lambda api, r: api.post(f"/restaurants/{r}/guests/", json={"n": "x" * 256 * KIB})),
    (415, "unsupported_media_type", lambda api, r: api.post(f"/restaurants/{r}/guests/", data={"name": "Rossi"})),
    (409, "table_occupied", lambda api, r: api.post(f"/restaurants/{r}/guests/", json={**GUEST, "tableId": "t1"})),
    (409, "table_unavailable", lambda api, r: api.post(f"/restaurants/{r}/guests/", json={**GUEST, "tableId": "t3"})),
    (409, "party_exceeds_capacity", lambda api, r: api.patch(f"/restaurants/{r}/tables/t1", json={"capacity": 1})),
    (409, "table_number_taken", lambda api, r: api.patch(f"/restaurants/{r}/tables/t2", json={"tableNumber": "12"})),
    (409, "already_exists", lambda api, r: api.post(f"/restaurants/{r}/guests/", json={**GUEST, "id": "g1"})),
    (409, "restaurant_not_empty", lambda api, r: api.delete(f"/restaurants/{r}")),
    (409, "restaurant_name_differs", lambda api, r: api.delete(f"/restaurants/{r}?with=guests,tables&name=Rossi")),
    (410, "revision_expired", lambda api, r: api.get(f"/api/sync/delta?restaurant_id={r}&since_revision=999999")),
    (426, "upgrade_required", lambda api, _: api.get("/realtime")),
    (412, "version_conflict", lambda api, r: api.delete(f"/restaurants/{r}/guests/g1", headers={"If-Match": '"0"'})),
    (422, "validation_failed", lambda api, r: api.post(f"/restaurants/{r}/guests/", json={})),
    (422, "idempotency_key_reused", lambda api, r: reused(api, r, {"name": "Verdi", "partySize": 2})),
]


def reused(api: httpx.Client, restaurant: int, body: Json) -> httpx.Response:
    """The answer to a request under a key that another request has used."""
    headers = {"Idempotency-Key": "KEY"}
    ok(api.patch(f"/restaurants/{restaurant}/guests/g1", json={"notes": "door"}, headers=headers))
    return api.post(f"/restaurants/{restaurant}/guests/", json=body, headers=headers)


def asks(code: str) -> Ask:
    """The request of the table that brings this code."""
    return next(ask for _, name, ask in REFUSALS if name == code)


@pytest.fixture
def place(api: httpx.Client, restaurant: int) -> int:
    """A restaurant with a seated guest, a free table and one out of service."""
    new_table(api, restaurant, id="t1")
    new_table(api, restaurant, id="t2", tableNumber="13")
    new_table(api, restaurant, id="t3", tableNumber="14", status="outOfService")
    new_guest(api, restaurant, id="g1", tableId="t1", partySize=4)
    return restaurant


@pytest.mark.parametrize(("status", "code", "ask"), REFUSALS, ids=[code for _, code, _ in REFUSALS])
def test_each_code_comes_as_a_problem_document(api: httpx.Client, place: int, status: int, code: str, ask: Ask) -> None:
    problem(ask(api, place), status, code)


@pytest.mark.parametrize("code", [code for _, code, _ in REFUSALS])
def test_the_type_of_a_problem_opens_on_the_hub(api: httpx.Client, place: int, code: str) -> None:
    link = asks(code)(api, place).json()["type"]
    page = api.get(link)
    assert page.status_code == 200
    assert f'id="{link.partition("#")[2]}"' in page.text
    assert link.endswith(f"#{code}")


def test_a_taken_table_is_told_in_words_a_host_can_read(api: httpx.Client, place: int) -> None:
    body = problem(asks("table_occupied")(api, place), 409, "table_occupied")
    assert "12" in body["detail"]
    assert "Rossi" in body["detail"]
    assert body["current"].keys() == {"table", "guest"}
    assert (body["current"]["table"]["id"], body["current"]["guest"]["id"]) == ("t1", "g1")


@pytest.mark.parametrize(
    ("code", "current"),
    [
        ("table_unavailable", "t3"),
        ("party_exceeds_capacity", "t1"),
        ("already_exists", "g1"),
        ("version_conflict", "g1"),
    ],
)
def test_the_entity_in_question_is_shown_as_it_is(api: httpx.Client, place: int, code: str, current: str) -> None:
    kind = "guests" if current.startswith("g") else "tables"
    assert asks(code)(api, place).json()["current"] == ok(api.get(f"/restaurants/{place}/{kind}/{current}"))


def test_every_fault_of_the_input_is_listed(api: httpx.Client, place: int) -> None:
    bad = {"name": "", "partySize": 101, "notes": 5, "tags": ["x", 7], "colour": "red", "email": "e" * 255}
    body = problem(api.post(f"/restaurants/{place}/guests/", json=bad), 422, "validation_failed")
    assert all(fault.keys() == {"pointer", *WORDS} for fault in body["errors"])
    fields = sorted(fault["pointer"].split("/")[1] for fault in body["errors"])
    assert fields == ["colour", "email", "name", "notes", "partySize", "tags"]


def test_a_missing_field_is_pointed_at(api: httpx.Client, place: int) -> None:
    body = problem(api.post(f"/restaurants/{place}/tables/", json={}), 422, "validation_failed")
    assert {fault["pointer"] for fault in body["errors"]} == {"/tableNumber", "/capacity"}


def test_a_pointer_escapes_slash_and_tilde(api: httpx.Client, place: int) -> None:
    body = problem(api.post(f"/restaurants/{place}/guests/", json={**GUEST, "a/b~c": 1}), 422, "validation_failed")
    assert [fault["pointer"] for fault in body["errors"]] == ["/a~1b~0c"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/nowhere", "/api/nowhere", "/api", "/api/sync", "/api/v1/atomic", "/restaurants/1/guests/g1/status"]
)
def test_an_unknown_route_is_a_problem_whatever_the_method(api: httpx.Client, method: str, path: str) -> None:
    problem(api.request(method, path), 404, "route_not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/restaurants"),
        ("PATCH", "/api/restaurants/"),
        ("POST", "/restaurants/1"),
        ("PUT", "/restaurants/1/guests/"),
        ("POST", "/api/restaurants/1/guests/g1"),
        ("POST", "/restaurants/1/guests/g1/status/atomic"),
        ("GET", BATCH),
        ("GET", SYNC_BATCH),
        ("POST", "/api/sync/full"),
        ("DELETE", "/api/sync/delta"),
        ("POST", "/health"),
        ("PUT", "/"),
        ("POST", "/docs"),
        ("DELETE", "/schema/openapi.json"),
    ],
)
def test_another_method_is_not_allowed_and_told_which_are(api: httpx.Client, method: str, path: str) -> None:
    answer = api.request(method, path)
    problem(answer, 405, "method_not_allowed")
    allowed = {name.strip() for name in answer.headers["allow"].split(",")}
    assert allowed
    assert method not in allowed


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", "json", ""],
)
@pytest.mark.parametrize("path", ["/restaurants/{id}/guests/", BATCH, SYNC_BATCH, "/restaurants"])
def test_a_body_of_another_type_is_refused(api: httpx.Client, restaurant: int, path: str, content_type: str) -> None:
    answer = api.post(path.format(id=restaurant), content=b"{}", headers={"Content-Type": content_type})
    problem(answer, 415, "unsupported_media_type")


def test_a_body_of_no_type_is_refused(api: httpx.Client, restaurant: int) -> None:
    answer = api.post(f"/restaurants/{restaurant}/guests/", content=b'{"name": "Rossi", "partySize": 2}')
    problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json;"])
def test_json_is_known_whatever_its_parameters(api: httpx.Client, restaurant: int, content_type: str) -> None:
    body, headers = b'{"name": "Rossi", "partySize": 2}', {"Content-Type": content_type}
    assert api.post(f"/restaurants/{restaurant}/guests/", content=body, headers=headers).status_code == 201


def test_the_type_matters_only_where_there_is_a_body(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    headers = {"Content-Type": "text/plain"}
    url = f"/restaurants/{restaurant}/guests/g1"
    ok(api.put(f"{url}/status/atomic?new_status=notified", headers=headers))
    ok(api.get(url, headers=headers))
    assert api.delete(url, headers=headers).status_code == 204


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/restaurants/{id}/guests/", 256 * KIB),
        ("/restaurants", 256 * KIB),
        (BATCH, KIB * KIB),
        (SYNC_BATCH, KIB * KIB),
    ],
)
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_of_exactly_the_limit_is_read(
    api: httpx.Client, restaurant: int, path: str, most: int, framing: str
) -> None:
    def send(size: int) -> httpx.Response:
        body = b"{}".ljust(size)
        content = (body[at : at + 60_000] for at in range(0, size, 60_000)) if framing == "chunked" else body
        return api.post(path.format(id=restaurant), content=content, headers=JSON_TYPE)

    problem(send(most), 422, "validation_failed")
    problem(send(most + 1), 413, "body_too_large")


def test_a_delete_too_has_a_limit(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    url = f"/restaurants/{restaurant}/guests/g1"
    problem(api.request("DELETE", url, content=b" " * (256 * KIB + 1), headers=JSON_TYPE), 413, "body_too_large")


# Pairs of faults in one request: the first named answers.
ORDER: list[tuple[str, int, str, Ask]] = [
    (
        "route before size",
        404,
        "route_not_found",
        lambda api, _: api.post("/nowhere", content=b" " * (KIB * KIB + 1), headers=JSON_TYPE),
    ),
    (
        "method before size and type",
        405,
        "method_not_allowed",
        lambda api, r: api.put(f"/restaurants/{r}/guests/", content=b" " * (256 * KIB + 1)),
    ),
    (
        "size before type",
        413,
        "body_too_large",
        lambda api, r: api.post(f"/restaurants/{r}/guests/", content=b" " * (256 * KIB + 1)),
    ),
    (
        "type before JSON",
        415,
        "unsupported_media_type",
        lambda api, r: api.post(f"/restaurants/{r}/guests/", content=b"{", headers={"Content-Type": "text/plain"}),
    ),
    (
        "type before restaurant",
        415,
        "unsupported_media_type",
        lambda api, _: api.post(f"/restaurants/{NOBODY}/guests/", data={"name": "Rossi"}),
    ),
    (
        "JSON before restaurant",
        400,
        "invalid_json",
        lambda api, _: api.post(f"/restaurants/{NOBODY}/guests/", content=b"{", headers=JSON_TYPE),
    ),
    (
        "query before restaurant",
        400,
        "invalid_query",
        lambda api, _: api.get(f"/restaurants/{NOBODY}/guests/?limit=0"),
    ),
    (
        "sync query before restaurant",
        400,
        "invalid_query",
        lambda api, _: api.get(f"/api/sync/delta?restaurant_id={NOBODY}&since_revision=x"),
    ),
    (
        "restaurant before fields",
        404,
        "restaurant_not_found",
        lambda api, _: api.post(f"/restaurants/{NOBODY}/guests/", json={}),
    ),
    (
        "restaurant before guest",
        404,
        "restaurant_not_found",
        lambda api, _: api.get(f"/restaurants/{NOBODY}/guests/g1"),
    ),
    ("key before fields", 422, "idempotency_key_reused", lambda api, r: reused(api, r, {"partySize": 0})),
    (
        "fields before entity",
        422,
        "validation_failed",
        lambda api, r: api.patch(f"/restaurants/{r}/guests/nobody", json={"partySize": 0}),
    ),
    (
        "status before entity",
        422,
        "validation_failed",
        lambda api, r: api.put(f"/restaurants/{r}/guests/nobody/status/atomic", json={"status": "asleep"}),
    ),
    (
        "key before the operations of a batch",
        422,
        "idempotency_key_reused",
        lambda api, r: [
            post_batch(api, r, *wishes, transaction_id="used")
            for wishes in ([op("guest", "update", "g1", notes="x")], [])
        ][-1],
    ),
    (
        "fields before version",
        422,
        "validation_failed",
        lambda api, r: api.patch(f"/restaurants/{r}/guests/g1", json={"partySize": 0}, headers={"If-Match": '"0"'}),
    ),
    (
        "fields before the restaurant on its own route",
        422,
        "validation_failed",
        lambda api, _: api.patch("/restaurants/404", json={"name": ""}),
    ),
    (
        "entity before version",
        404,
        "guest_not_found",
        lambda api, r: api.patch(f"/restaurants/{r}/guests/nobody", json={}, headers={"If-Match": '"0"'}),
    ),
    (
        "entity before what the body names",
        404,
        "guest_not_found",
        lambda api, r: api.patch(f"/restaurants/{r}/guests/nobody", json={"tableId": "nowhere"}),
    ),
    (
        "version before what the body names",
        412,
        "version_conflict",
        lambda api, r: api.patch(
            f"/restaurants/{r}/guests/g1", json={"tableId": "nowhere"}, headers={"If-Match": '"0"'}
        ),
    ),
    (
        "version before the floor's rules",
        412,
        "version_conflict",
        lambda api, r: api.delete(f"/restaurants/{r}/tables/t1", headers={"If-Match": '"0"'}),
    ),
    (
        "what the body names before an id that is taken",
        404,
        "table_not_found",
        lambda api, r: api.post(f"/restaurants/{r}/guests/", json={**GUEST, "id": "g1", "tableId": "nowhere"}),
    ),
    (
        "what the body names before the floor's rules",
        404,
        "guest_not_found",
        lambda api, r: api.patch(f"/restaurants/{r}/tables/t2", json={"tableNumber": "12", "currentGuestId": "nobody"}),
    ),
]


@pytest.mark.parametrize(("status", "code", "ask"), [case[1:] for case in ORDER], ids=[case[0] for case in ORDER])
def test_the_first_that_applies_answers(api: httpx.Client, place: int, status: int, code: str, ask: Ask) -> None:
    problem(ask(api, place), status, code)


def test_a_post_without_a_body_is_no_question_of_type(api: httpx.Client, restaurant: int) -> None:
    problem(api.post(f"/restaurants/{restaurant}/guests/"), 400, "invalid_json")


def test_a_refused_request_changes_nothing(api: httpx.Client, place: int) -> None:
    before: Any = api.get(f"/api/sync/full?restaurant_id={place}").content
    for _, code, ask in REFUSALS:
        if code != "idempotency_key_reused":
            ask(api, place)
    assert api.get(f"/api/sync/full?restaurant_id={place}").content == before


def test_a_refusal_carries_no_version_and_no_transaction(api: httpx.Client, place: int) -> None:
    answer = api.patch(f"/restaurants/{place}/guests/g1", json={"partySize": 0})
    problem(answer, 422, "validation_failed")
    assert "etag" not in answer.headers
    patch_guest(api, place, "g1", notes="still there")


def test_a_problem_in_a_batch_is_like_any_other(api: httpx.Client, place: int) -> None:
    answer = api.post(BATCH, json={"restaurant_id": place, "operations": [op("guest", "delete", "nobody")]})
    problem(answer, 404, "guest_not_found")
