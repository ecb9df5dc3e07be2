"""The contract of the full sync and of the delta: what a client that was away is given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.conftest import Hub
from tests.contract.answers import TIME, Json, ok, problem, revision_of
from tests.contract.requests import (
    delta,
    floor_of,
    full_sync,
    names_of,
    new_guest,
    new_table,
    op,
    patch_guest,
    patch_table,
    post_batch,
)

FULL = "/api/sync/full"
DELTA = "/api/sync/delta"
NOBODY = 2**53 - 1
BAD_RESTAURANTS = ["abc", "", "0", "-1", "1.0", "1e0", "1_0", "0x1", "true", "null", "٣", str(2**53), "9" * 5000]
BAD_NUMBERS = ["abc", "", "-1", "1.0", "1e0", "1_0", "true", "٣", "9" * 5000]


def a_busy_evening(api: httpx.Client, restaurant: int) -> None:
    """Nine revisions of a floor: made, moved, seated, finished and deleted."""
    new_table(api, restaurant, id="t1", tableNumber="1")
    new_table(api, restaurant, id="t2", tableNumber="2")
    new_guest(api, restaurant, id="g1", name="Rossi")
    new_guest(api, restaurant, id="g2", name="Bianchi", tableId="t2")
    patch_guest(api, restaurant, "g1", tableId="t1")
    patch_table(api, restaurant, "t2", section="Patio")
    patch_guest(api, restaurant, "g2", status="finished")
    new_guest(api, restaurant, id="g3", name="Verdi")
    assert api.delete(f"/restaurants/{restaurant}/guests/g3").status_code == 204


def applied(changes: list[Json]) -> Json:
    """The guests and tables of a client that began with nothing and applied these changes."""
    held: Json = {"guests": {}, "tables": {}}
    for change in changes:
        entities = held[change["entity_type"] + "s"]
        if change["action"] == "delete":
            assert change["data"] is None
            entities.pop(change["entity_id"], None)
        else:
            assert change["data"]["id"] == change["entity_id"]
            entities[change["entity_id"]] = change["data"]
    return held


def test_a_full_sync_is_the_whole_floor(api: httpx.Client, restaurant: int) -> None:
    a_busy_evening(api, restaurant)
    new_guest(api, restaurant)
    answer = api.get(FULL, params={"restaurant_id": restaurant})
    body = ok(answer)
    keys = {"restaurant_id", "timestamp", "epoch", "revision", "guests", "tables", "total_guests", "total_tables"}
    assert body.keys() == keys
    assert (body["restaurant_id"], body["revision"]) == (restaurant, 10)
    assert (body["total_guests"], body["total_tables"]) == (len(body["guests"]), len(body["tables"])) == (3, 2)
    assert isinstance(body["epoch"], str)
    assert body["epoch"]
    for kind in ("guests", "tables"):
        for entity in body[kind]:
            assert entity == ok(api.get(f"/restaurants/{restaurant}/{kind}/{entity['id']}"))


def test_a_full_sync_of_an_empty_floor_has_empty_lists(api: httpx.Client, restaurant: int) -> None:
    body = full_sync(api, restaurant)
    assert (body["guests"], body["tables"], body["total_guests"], body["total_tables"]) == ([], [], 0, 0)
    assert body["revision"] == 0
    assert TIME.fullmatch(body["timestamp"])


def test_the_timestamp_of_a_full_sync_is_the_commit_time_of_its_revision(api: httpx.Client, restaurant: int) -> None:
    changed = new_guest(api, restaurant)["lastUpdated"]
    assert full_sync(api, restaurant)["timestamp"] == changed
    assert full_sync(api, restaurant)["timestamp"] == changed


@pytest.mark.parametrize("path", [FULL, DELTA])
def test_a_sync_carries_revision_and_epoch(api: httpx.Client, restaurant: int, path: str) -> None:
    new_guest(api, restaurant)
    query: Any = {"restaurant_id": restaurant} | ({"since_revision": 0} if path == DELTA else {})
    answer = api.get(path, params=query)
    body = ok(answer)
    assert revision_of(answer) == body["revision"] == 1
    assert answer.headers["restohub-epoch"] == body["epoch"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", [FULL, f"{DELTA}?since_revision=0", f"{FULL}/", f"{DELTA}/?since_revision=0"])
def test_without_a_restaurant_a_sync_is_of_restaurant_1(api: httpx.Client, path: str) -> None:
    assert ok(api.get(path))["restaurant_id"] == 1


@pytest.mark.parametrize("path", [f"{FULL}?", f"{DELTA}?since_revision=0&"])
@pytest.mark.parametrize("value", BAD_RESTAURANTS)
def test_a_bad_restaurant_id_is_an_invalid_query(api: httpx.Client, path: str, value: str) -> None:
    problem(api.get(f"{path}restaurant_id={value}"), 400, "invalid_query")


@pytest.mark.parametrize("path", [f"{FULL}?", f"{DELTA}?since_revision=0&"])
def test_an_unknown_restaurant_is_not_found(api: httpx.Client, path: str) -> None:
    problem(api.get(f"{path}restaurant_id={NOBODY}"), 404, "restaurant_not_found")


def test_a_delta_is_what_changed_after_a_revision(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    guest = new_guest(api, restaurant, id="g2")
    body = delta(api, restaurant, since_revision=1)
    assert body.keys() == {"restaurant_id", "timestamp", "epoch", "revision", "changes", "has_more"}
    assert (body["restaurant_id"], body["revision"], body["has_more"]) == (restaurant, 2, False)
    assert body["epoch"] == full_sync(api, restaurant)["epoch"]
    assert body["timestamp"] == guest["lastUpdated"]
    assert body["changes"] == [
        {
            "entity_type": "guest",
            "entity_id": "g2",
            "action": "create",
            "data": guest,
            "revision": 2,
            "timestamp": guest["lastUpdated"],
        }
    ]


def test_a_delta_since_the_present_revision_is_empty(api: httpx.Client, restaurant: int) -> None:
    guest = new_guest(api, restaurant)
    epoch = full_sync(api, restaurant)["epoch"]
    body = delta(api, restaurant, since_revision=1, epoch=epoch)
    assert (body["changes"], body["has_more"], body["revision"], body["epoch"]) == ([], False, 1, epoch)
    assert body["timestamp"] == guest["lastUpdated"]


def test_a_delta_of_an_empty_floor_is_empty(api: httpx.Client, restaurant: int) -> None:
    body = delta(api, restaurant, since_revision=0)
    assert (body["changes"], body["has_more"], body["revision"]) == ([], False, 0)


def test_a_delta_has_each_entity_once_at_its_latest(api: httpx.Client, restaurant: int) -> None:
    a_busy_evening(api, restaurant)
    changes = delta(api, restaurant, since_revision=0)["changes"]
    assert sorted(names_of(changes)) == [
        ("guest", "g1", "update"),
        ("guest", "g2", "update"),
        ("guest", "g3", "delete"),
        ("table", "t1", "update"),
        ("table", "t2", "update"),
    ]
    revisions = [change["revision"] for change in changes]
    assert revisions == sorted(revisions) == [5, 5, 7, 7, 9]
    assert [change["data"] and change["data"]["version"] for change in changes] == [5, 5, 7, 7, None]


@pytest.mark.parametrize("since", range(10))
def test_a_delta_on_an_old_floor_makes_the_present_one(api: httpx.Client, restaurant: int, since: int) -> None:
    a_busy_evening(api, restaurant)
    whole, missed = (delta(api, restaurant, since_revision=revision)["changes"] for revision in (0, since))
    assert {c["revision"] for c in missed} == {c["revision"] for c in whole if c["revision"] > since}
    now = floor_of(api, restaurant)
    assert applied(whole) == {"guests": now["guests"], "tables": now["tables"]}


def test_an_entity_made_and_deleted_meanwhile_is_a_delete(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    api.delete(f"/restaurants/{restaurant}/guests/g1")
    body = delta(api, restaurant, since_revision=0)
    (change,) = body["changes"]
    assert (change["action"], change["data"], change["revision"]) == ("delete", None, 2)
    assert change["timestamp"] == body["timestamp"]


def test_since_is_inclusive(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    kept = full_sync(api, restaurant)["timestamp"]
    new_guest(api, restaurant, id="g2")
    assert [change["entity_id"] for change in delta(api, restaurant, since=kept)["changes"]] == ["g1", "g2"]


def test_since_a_time_before_the_restaurant_brings_all(api: httpx.Client, restaurant: int) -> None:
    made = ok(api.get(f"/restaurants/{restaurant}"))["createdAt"]
    a_busy_evening(api, restaurant)
    now = floor_of(api, restaurant)
    assert applied(delta(api, restaurant, since=made)["changes"]) == {k: now[k] for k in ("guests", "tables")}


@pytest.mark.parametrize("spelling", ["{}.000Z", "{}.999999Z", "{}+00:00", "{}-00:00", "{} 00:00"])
def test_since_takes_fractions_and_offsets(api: httpx.Client, restaurant: int, spelling: str) -> None:
    made = new_guest(api, restaurant, id="g1")["lastUpdated"]
    since = spelling.format(made.removesuffix("Z"))
    url = f"{DELTA}?restaurant_id={restaurant}&since={since}"
    assert names_of(ok(api.get(url))["changes"]) == [("guest", "g1", "create")]
    if "+" in since:
        assert names_of(ok(api.get(url.replace("+", "%2B")))["changes"]) == [("guest", "g1", "create")]


def test_a_space_in_since_is_the_plus_of_its_offset(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    for sign in ("%2B", " "):
        found = ok(api.get(f"{DELTA}?restaurant_id={restaurant}&since=2000-01-01T02:00:00{sign}02:00"))
        assert names_of(found["changes"]) == [("guest", "g1", "create")]


@pytest.mark.parametrize("since", ["2024-01-15T10:30:00", "2024-01-15", "yesterday", "", "1705314600", "10:30:00Z"])
def test_a_since_that_is_no_date_time_with_an_offset_is_refused(api: httpx.Client, restaurant: int, since: str) -> None:
    problem(api.get(DELTA, params={"restaurant_id": restaurant, "since": since}), 400, "invalid_query")


@pytest.mark.parametrize("query", ["", "&since=2024-01-15T10:30:00Z&since_revision=0"])
def test_exactly_one_of_since_and_since_revision_is_given(api: httpx.Client, restaurant: int, query: str) -> None:
    problem(api.get(f"{DELTA}?restaurant_id={restaurant}{query}"), 400, "invalid_query")


@pytest.mark.parametrize("value", BAD_NUMBERS)
def test_a_bad_since_revision_is_an_invalid_query(api: httpx.Client, restaurant: int, value: str) -> None:
    problem(api.get(f"{DELTA}?restaurant_id={restaurant}&since_revision={value}"), 400, "invalid_query")


@pytest.mark.parametrize("value", [*BAD_NUMBERS, "0", "1001"])
def test_a_bad_limit_is_an_invalid_query(api: httpx.Client, restaurant: int, value: str) -> None:
    problem(api.get(f"{DELTA}?restaurant_id={restaurant}&since_revision=0&limit={value}"), 400, "invalid_query")


@pytest.mark.parametrize("ahead", [timedelta(minutes=1), timedelta(minutes=9), timedelta(days=400)], ids=str)
def test_a_time_from_the_future_is_expired_and_the_present_one_is_not(
    api: httpx.Client, restaurant: int, ahead: timedelta
) -> None:
    new_guest(api, restaurant)
    now = datetime.fromisoformat(api.get("/health").json()["timestamp"])
    assert delta(api, restaurant, since=now.isoformat())["has_more"] is False
    since = (now + ahead).isoformat()
    told = problem(api.get(DELTA, params={"restaurant_id": restaurant, "since": since}), 410, "revision_expired")
    assert "full sync" in told["hint"]


def test_a_time_one_second_ahead_is_expired(api: httpx.Client, restaurant: int) -> None:
    def present() -> str:
        return str(api.get("/health").json()["timestamp"])

    while True:
        now = present()
        since = (datetime.fromisoformat(now) + timedelta(seconds=1)).isoformat()
        answer = api.get(DELTA, params={"restaurant_id": restaurant, "since": since})
        if present() == now:  # else that second may have come meanwhile
            problem(answer, 410, "revision_expired")
            return


def test_a_revision_from_the_future_is_expired(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant)
    answer = api.get(DELTA, params={"restaurant_id": restaurant, "since_revision": 2})
    problem(answer, 410, "revision_expired")


@pytest.mark.parametrize("since", [{"since_revision": 0}, {"since": "2100-01-01T00:00:00Z"}])
def test_an_epoch_that_is_no_longer_ours_is_expired(api: httpx.Client, restaurant: int, since: Json) -> None:
    new_guest(api, restaurant)
    query: Any = {"restaurant_id": restaurant, "epoch": "long-gone", **since}
    problem(api.get(DELTA, params=query), 410, "revision_expired")


def test_the_present_epoch_is_taken(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    epoch = full_sync(api, restaurant)["epoch"]
    assert names_of(delta(api, restaurant, since_revision=0, epoch=epoch)["changes"]) == [("guest", "g1", "create")]


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_pages_of_a_delta_make_the_whole_floor(api: httpx.Client, restaurant: int, limit: int) -> None:
    a_busy_evening(api, restaurant)
    changes: list[Json] = []
    at, has_more = 0, True
    while has_more:
        page = delta(api, restaurant, since_revision=at, limit=limit)
        assert page["revision"] > at
        assert len(page["changes"]) <= limit + 1, "a commit is not split: the last may be of a guest and his table"
        changes, at, has_more = changes + page["changes"], page["revision"], page["has_more"]
    assert at == 9
    assert changes == delta(api, restaurant, since_revision=0)["changes"]


def test_a_page_says_where_to_go_on_and_when_that_was(api: httpx.Client, restaurant: int) -> None:
    first = new_guest(api, restaurant, id="g1")
    new_guest(api, restaurant, id="g2")
    page = delta(api, restaurant, since_revision=0, limit=1)
    assert (page["revision"], page["has_more"], page["timestamp"]) == (1, True, first["lastUpdated"])
    assert [change["entity_id"] for change in page["changes"]] == ["g1"]
    last = delta(api, restaurant, since_revision=1, limit=1)
    assert (last["revision"], last["has_more"]) == (2, False)


def test_a_limit_never_parts_a_revision(api: httpx.Client, restaurant: int) -> None:
    ok(post_batch(api, restaurant, *(op("guest", "create", f"g{n}", name="Rossi", partySize=2) for n in range(5))))
    new_guest(api, restaurant, id="last")
    page = delta(api, restaurant, since_revision=0, limit=2)
    assert (len(page["changes"]), page["revision"], page["has_more"]) == (5, 1, True)


def test_a_delta_has_1000_changes_where_no_limit_is_given(api: httpx.Client, restaurant: int) -> None:
    for start in (0, 500):
        steps = (op("guest", "create", f"g{start + n}", name="Rossi", partySize=2) for n in range(500))
        ok(post_batch(api, restaurant, *steps))
    assert delta(api, restaurant, since_revision=0)["has_more"] is False
    new_guest(api, restaurant, id="last")
    page = delta(api, restaurant, since_revision=0)
    assert (len(page["changes"]), page["revision"], page["has_more"]) == (1000, 2, True)
    assert names_of(delta(api, restaurant, since_revision=2)["changes"]) == [("guest", "last", "create")]


def test_a_table_seated_in_one_revision_comes_with_its_guest(api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, id="t1")
    new_guest(api, restaurant, id="g1")
    patch_guest(api, restaurant, "g1", tableId="t1")
    page = delta(api, restaurant, since_revision=2, limit=1)
    assert sorted(names_of(page["changes"])) == [("guest", "g1", "update"), ("table", "t1", "update")]


def test_a_change_that_changes_nothing_is_in_no_delta(api: httpx.Client, restaurant: int) -> None:
    guest = new_guest(api, restaurant, id="g1")
    patch_guest(api, restaurant, "g1", partySize=guest["partySize"])
    assert delta(api, restaurant, since_revision=1)["changes"] == []


def test_a_restaurant_s_name_is_no_part_of_its_log(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant)
    answer = api.patch(f"/restaurants/{restaurant}", json={"name": "Osteria"})
    ok(answer)
    assert "restohub-revision" not in answer.headers
    assert "etag" not in answer.headers
    assert delta(api, restaurant, since_revision=1)["changes"] == []


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_revisions_and_epoch_outlive_the_process(new_hub: Callable[..., Hub], end: str) -> None:
    hub = new_hub().start()
    with hub.client() as api:
        a_busy_evening(api, 1)
        before, whole = full_sync(api, 1), delta(api, 1, since_revision=4)
        first_run = ok(api.get("/health"))
    if end == "stop":
        hub.stop()
    else:
        hub.kill()
    with hub.start().client() as api:
        after = full_sync(api, 1)
        assert {kind: sorted(after[kind], key=lambda e: str(e["id"])) for kind in ("guests", "tables")} == {
            kind: sorted(before[kind], key=lambda e: str(e["id"])) for kind in ("guests", "tables")
        }
        assert (after["revision"], after["timestamp"]) == (before["revision"], before["timestamp"])
        assert delta(api, 1, since_revision=4, epoch=before["epoch"]) == whole
        run = ok(api.get("/health"))
        assert (run["id"] == first_run["id"], run["run"] == first_run["run"]) == (True, False)
