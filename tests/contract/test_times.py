"""The contract's convention for times: what goes out, what is taken in, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.contract.answers import TIME, faulty_fields, ok
from tests.contract.floor_client import Floor
from tests.fields import GUEST, of_type

TAKEN = [
    ("2024-01-15T10:30:00Z", "2024-01-15T10:30:00Z"),
    ("2024-01-15T10:30:00+00:00", "2024-01-15T10:30:00Z"),
    ("2024-01-15T11:30:00+01:00", "2024-01-15T10:30:00Z"),
    ("2024-01-15T05:00:00-05:30", "2024-01-15T10:30:00Z"),
    ("2024-01-01T00:30:00+01:00", "2023-12-31T23:30:00Z"),
    ("2024-01-15T10:30:00.5Z", "2024-01-15T10:30:00Z"),
    ("2024-01-15T10:30:00.999999Z", "2024-01-15T10:30:00Z"),
    ("2024-01-15T11:30:00.123+01:00", "2024-01-15T10:30:00Z"),
    ("2024-02-29T10:30:00Z", "2024-02-29T10:30:00Z"),
]
REFUSED: list[Any] = [
    "2024-01-15T10:30:00",
    "2024-01-15T10:30:00.5",
    "2024-01-15 10:30",
    "2024-01-15",
    "2024-01-15T10:30Z",
    "2024-02-30T10:30:00Z",
    "2024-01-15T25:30:00Z",
    "2024-01-15T10:30:00+01:00Z",
    "tomorrow",
    1705314600,
    True,
]


@pytest.mark.parametrize("field", of_type(GUEST, "time or null"))
@pytest.mark.parametrize(("sent", "kept"), TAKEN)
def test_a_time_comes_back_in_utc_and_whole_seconds(floor: Floor, field: str, sent: str, kept: str) -> None:
    assert floor.new_guest(**{field: sent})[field] == kept
    guest = floor.new_guest()
    assert floor.change_guest(guest["id"], **{field: sent})[field] == kept
    assert floor.guest(guest["id"])[field] == kept


@pytest.mark.parametrize("sent", REFUSED)
def test_a_time_without_an_offset_or_that_is_none_is_refused(floor: Floor, sent: Any) -> None:
    guest = floor.new_guest()
    with floor.untouched():
        for field in of_type(GUEST, "time or null"):
            assert faulty_fields(floor.patch("guests", guest["id"], {field: sent})) == {f"/{field}"}
            assert faulty_fields(floor.post_guest(**{field: sent})) == {f"/{field}"}


def test_every_time_that_goes_out_has_no_fraction(floor: Floor) -> None:
    guest, _ = floor.party_at_table()
    answers = [
        floor.api.get(floor.root),
        floor.api.get(f"{floor.root}/guests/"),
        floor.api.get(f"{floor.root}/tables/"),
        floor.patch("guests", guest["id"], {"partySize": 0}),
        floor.api.put(f"{floor.root}/guests/{guest['id']}/status/atomic", json={"status": "finished"}),
        floor.api.get("/health"),
    ]
    times: list[str] = []

    def note_times(value: object) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key == "timestamp" or key.endswith(("Time", "_at", "At", "lastUpdated")):
                    assert inner is None or TIME.fullmatch(inner), f"{key}: {inner}"
                    times.append(key)
                note_times(inner)
        elif isinstance(value, list):
            for inner in value:
                note_times(inner)

    for answer in answers:
        note_times(json.loads(answer.text))
    assert {"timestamp", "createdAt", "lastUpdated", "seatedTime", "finishedTime", "processed_at"} <= set(times)


def test_a_commit_is_stamped_with_the_present_time(floor: Floor) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    guest = floor.new_guest()
    after = datetime.now(UTC)
    stamps = [datetime.fromisoformat(guest[key]) for key in ("createdAt", "lastUpdated", "checkInTime")]
    assert stamps[0] == stamps[1] == stamps[2]
    assert before <= stamps[0] <= after


def test_commit_times_never_run_backwards(floor: Floor) -> None:
    times = [floor.new_guest()["createdAt"] for _ in range(30)]
    assert times == sorted(times)


def test_in_a_query_a_space_counts_as_the_plus_of_an_offset(floor: Floor) -> None:
    guest = floor.new_guest()
    rome = timezone(timedelta(hours=1))
    since = datetime.fromisoformat(guest["createdAt"]).astimezone(rome).isoformat()
    assert since.endswith("+01:00")
    query = f"/api/sync/delta?restaurant_id={floor.restaurant}&since="
    for spelled in (since.replace("+", "%2B"), since, since.replace("+", "%20")):
        changes = ok(floor.api.get(query + spelled))["changes"]
        assert [change["entity_id"] for change in changes] == [guest["id"]]
