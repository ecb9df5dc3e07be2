"""The contract of a restaurant: its fields, its number, its revision, and when it may be deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.conftest import Hub
from tests.contract.answers import TIME, Json, faulty_fields, ok, problem
from tests.contract.floor_client import Floor
from tests.fields import RESTAURANT, snake


def new(api: httpx.Client, **fields: Any) -> Json:
    return ok(api.post("/restaurants", json={"name": "Trattoria", "timezone": "Europe/Rome", **fields}), 201)


def test_a_new_hub_has_restaurant_1(new_hub: Callable[..., Hub]) -> None:
    with new_hub().start().client() as api:
        restaurants = api.get("/restaurants").json()
        assert [restaurant["id"] for restaurant in restaurants] == [1]
        assert restaurants[0] == ok(api.get("/restaurants/1"))
        assert restaurants[0].keys() == RESTAURANT.keys()
        assert api.get("/restaurants/1/guests/").json() == api.get("/restaurants/1/tables/").json() == []
        assert new(api)["id"] == 2


def test_a_new_restaurant_has_every_field(api: httpx.Client) -> None:
    made = new(api, name="Da Enzo", timezone="Europe/Rome")
    assert made.keys() == RESTAURANT.keys()
    assert type(made["id"]) is int
    assert made["id"] > 1
    assert (made["name"], made["timezone"], made["revision"]) == ("Da Enzo", "Europe/Rome", 0)
    assert made["createdAt"] == made["lastUpdated"]
    assert TIME.fullmatch(made["createdAt"])
    assert ok(api.get(f"/restaurants/{made['id']}")) == made
    assert made in api.get("/restaurants").json()


def test_the_list_is_a_bare_array(api: httpx.Client) -> None:
    made = [new(api)["id"], new(api)["id"]]
    restaurants = api.get("/restaurants").json()
    assert isinstance(restaurants, list)
    assert {1, *made} <= {restaurant["id"] for restaurant in restaurants}


def test_a_name_is_required(api: httpx.Client) -> None:
    assert faulty_fields(api.post("/restaurants", json={})) == {"/name"}


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, None, 5])
def test_a_name_has_its_limits(api: httpx.Client, restaurant: int, name: Any) -> None:
    assert faulty_fields(api.post("/restaurants", json={"name": name})) == {"/name"}
    assert faulty_fields(api.patch(f"/restaurants/{restaurant}", json={"name": name})) == {"/name"}


def test_a_name_may_have_100_code_points(api: httpx.Client) -> None:
    assert new(api, name="🍝" * 100)["name"] == "🍝" * 100


def test_the_zone_defaults_to_the_machines(new_hub: Callable[..., Hub]) -> None:
    with new_hub(env={"TZ": "Pacific/Auckland"}).start().client() as api:
        assert ok(api.post("/restaurants", json={"name": "Da Enzo"}), 201)["timezone"] == "Pacific/Auckland"


@pytest.mark.parametrize(
    "zone",
    ["Europe/Atlantis", "../etc/passwd", "CEST+1h", "", 2, "localtime", "Factory", "posix/Europe/Rome", "europe/rome"],
)
def test_an_unknown_zone_is_refused(api: httpx.Client, restaurant: int, zone: Any) -> None:
    assert faulty_fields(api.post("/restaurants", json={"name": "Da Enzo", "timezone": zone})) == {"/timezone"}
    assert faulty_fields(api.patch(f"/restaurants/{restaurant}", json={"timezone": zone})) == {"/timezone"}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_put_and_patch_both_merge_the_given_fields(api: httpx.Client, method: str) -> None:
    made = new(api)
    path = f"/restaurants/{made['id']}"
    renamed = ok(api.request(method, path, json={"name": "Da Enzo"}))
    assert renamed == {**made, "name": "Da Enzo", "lastUpdated": renamed["lastUpdated"]}
    moved = ok(api.request(method, path, json={"timezone": "America/New_York"}))
    assert moved == {**renamed, "timezone": "America/New_York", "lastUpdated": moved["lastUpdated"]}
    assert ok(api.get(path)) == moved


def test_a_field_the_hub_never_heard_of_is_refused_by_name(api: httpx.Client, restaurant: int) -> None:
    assert faulty_fields(api.post("/restaurants", json={"name": "Da Enzo", "stars": 3})) == {"/stars"}
    assert faulty_fields(api.patch(f"/restaurants/{restaurant}", json={"stars": 3})) == {"/stars"}


@pytest.mark.parametrize("field", ["id", "createdAt", "created_at", "lastUpdated", "last_updated", "revision"])
def test_a_read_only_field_sent_back_is_ignored(api: httpx.Client, restaurant: int, field: str) -> None:
    value = 77 if field in ("id", "revision") else "2024-01-15T10:30:00Z"
    before = ok(api.get(f"/restaurants/{restaurant}"))
    assert ok(api.patch(f"/restaurants/{restaurant}", json={field: value})) == before


def test_a_name_and_a_zone_are_no_part_of_the_log(api: httpx.Client, restaurant: int) -> None:
    floor = Floor(api, restaurant)
    floor.new_guest()
    created = api.post("/restaurants", json={"name": "Another"})
    changed = api.patch(floor.root, json={"name": "Da Enzo", "timezone": "Asia/Tokyo"})
    deleted = api.delete(f"/restaurants/{ok(created, 201)['id']}")
    for answer in (created, changed, deleted):
        assert "Restohub-Revision" not in answer.headers
        assert "ETag" not in answer.headers
    assert ok(changed)["revision"] == floor.revision() == 1


def test_the_revision_counts_the_commits_without_a_gap(api: httpx.Client, restaurant: int) -> None:
    floor = Floor(api, restaurant)
    assert (floor.revision(), ok(api.get(floor.root))["revision"]) == (0, 0)
    table = floor.new_table()
    guest = floor.new_guest(tableId=table["id"])
    problem(floor.post_guest(partySize=0), 422, "validation_failed")
    problem(floor.post_guest(tableId=table["id"]), 409, "table_occupied")
    floor.change_guest(guest["id"], status="finished")
    floor.change_guest(guest["id"], status="finished")
    api.delete(f"{floor.root}/guests/{guest['id']}")
    assert (floor.revision(), ok(api.get(floor.root))["revision"]) == (4, 4)


def test_each_restaurant_counts_for_itself(api: httpx.Client, restaurant: int) -> None:
    other = Floor(api, new(api)["id"])
    Floor(api, restaurant).new_guest()
    assert other.revision() == 0
    assert other.every("guests") == []
    assert other.new_guest()["version"] == 1


def test_a_deleted_restaurant_is_gone_with_all_its_routes(api: httpx.Client) -> None:
    path = f"/restaurants/{new(api)['id']}"
    answer = api.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert path not in [f"/restaurants/{restaurant['id']}" for restaurant in api.get("/restaurants").json()]
    for asked in (
        api.get(path),
        api.patch(path, json={"name": "x"}),
        api.delete(path),
        api.get(f"{path}/guests/"),
        api.get(f"{path}/tables/t1"),
        api.post(f"{path}/guests/", json={"firstName": "Ada", "partySize": 2}),
    ):
        problem(asked, 404, "restaurant_not_found")


def test_what_was_answered_of_a_restaurant_is_answered_again_once_it_is_gone(api: httpx.Client) -> None:
    """contract.md, "Which comes first": on its own routes it is the entity, and the key comes before."""
    path = f"/restaurants/{new(api)['id']}"
    asked = [("PATCH", {"name": "Bistro"}), ("DELETE", None)]
    first, again = (
        [
            api.request(method, path, json=body, headers={"Idempotency-Key": f"{path} {method}"})
            for method, body in asked
        ]
        for _ in range(2)
    )
    assert [one.status_code for one in first] == [200, 204]
    assert [(one.status_code, one.content) for one in again] == [(one.status_code, one.content) for one in first]


def test_the_id_of_a_restaurant_is_never_given_again(api: httpx.Client) -> None:
    first = new(api)["id"]
    api.delete(f"/restaurants/{first}")
    assert new(api)["id"] == first + 1


@pytest.mark.parametrize("kind", ["guests", "tables"])
def test_a_restaurant_with_a_guest_or_a_table_is_not_deleted(api: httpx.Client, kind: str) -> None:
    floor = Floor(api, new(api)["id"])
    made = floor.new_guest() if kind == "guests" else floor.new_table()
    with floor.untouched():
        refused = problem(api.delete(floor.root), 409, "restaurant_not_empty")
    assert refused["current"] == ok(api.get(floor.root))
    api.delete(f"{floor.root}/{kind}/{made['id']}")
    assert api.delete(floor.root).status_code == 204


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("turnMinutes", {"2": 75, "4": 90}),
        ("turnMinutes", {str(size): 1440 for size in range(1, 101)}),
        ("turnMinutes", {}),
        ("locale", "it-IT"),
        ("locale", "zh-Hant-TW"),
        ("locale", "sl-rozaj-biske-1994"),
        ("locale", "de-CH-u-ca-gregory-nu-latn"),
        ("locale", "it" + "-abcdefgh" * 3 + "-abcde"),  # of 35 characters
        ("hours", 12),
        ("hours", 24),
    ],
)
def test_how_it_turns_its_tables_and_writes_its_times(api: httpx.Client, field: str, value: Any) -> None:
    made = new(api, **{field: value})
    assert made[field] == value
    assert [made[name] for name in ("turnMinutes", "locale", "hours") if name != field] == [None, None]
    other = new(api)
    assert ok(api.patch(f"/restaurants/{other['id']}", json={snake(field): value}))[field] == value
    assert ok(api.patch(f"/restaurants/{other['id']}", json={"name": "Da Enzo"}))[field] == value
    assert ok(api.patch(f"/restaurants/{other['id']}", json={field: None}))[field] is None
    assert ok(api.patch(f"/restaurants/{made['id']}", json={field: ""}))[field] is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("turnMinutes", value) for value in ({"0": 75}, {"101": 75}, {"02": 75}, {"2\n": 75}, {"two": 75}, {"": 75})),
        *(("turnMinutes", value) for value in ({"2": 0}, {"2": 1441}, {"2": "75"}, {"2": True}, {"2": None}, [75], 75)),
        *(("locale", value) for value in ("italiano-vero", "it_IT", "i", "it-", "it-IT\n", "x-y", "it-" + "a" * 33, 5)),
        ("locale", "it" + "-abcdefgh" * 3 + "-abcdef"),  # a tag of 36 characters
        *(("hours", value) for value in (0, 13, "24", True, [24])),
    ],
)
def test_what_it_turns_or_writes_otherwise_is_refused(
    api: httpx.Client, restaurant: int, field: str, value: Any
) -> None:
    assert faulty_fields(api.post("/restaurants", json={"name": "Da Enzo", field: value})) == {f"/{field}"}
    assert faulty_fields(api.patch(f"/restaurants/{restaurant}", json={field: value})) == {f"/{field}"}
