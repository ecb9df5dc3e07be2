"""The contract of a night's report: what is counted, by which day, in which forms, and that it names nobody."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.contract.answers import Json, ok, problem
from tests.contract.floor_client import Floor
from tests.fields import DONE

EVENING = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)  # 19:00 in Rome
DAY = "2026-11-20"
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def at(minutes: int) -> str:
    """A time of that evening."""
    return (EVENING + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def report(floor: Floor, day: str = DAY) -> Json:
    return ok(floor.api.get(f"{floor.root}/reports/{day}"))


def dine(floor: Floor, came: int, table: str, **fields: Any) -> str:
    """A party that waited 25 minutes, sat for 80 and is finished."""
    guest = floor.new_guest(checkInTime=at(came), **fields)["id"]
    floor.change_guest(guest, status="seated", tableId=table, seatedTime=at(came + 25))
    floor.change_guest(guest, status="finished", finishedTime=at(came + 105))
    return str(guest)


@pytest.fixture
def evening(floor: Floor) -> Floor:
    """Two served parties (a walk-in of 2, a reservation of 4), a no-show, one who left; all named Zeppelin."""
    table = floor.new_table(capacity=4, section="Terrace", server="Mia", tableNumber="7")["id"]
    dine(floor, 0, table, name="Zeppelin", phone="+39 555 0102", quotedWait=20)
    dine(floor, 120, table, name="Zeppelin", partySize=4, reservationTime=at(120), email="zeppelin@example.org")
    floor.new_guest(name="Zeppelin", status="no_show", reservationTime=at(60), partySize=3)
    floor.new_guest(name="Zeppelin", status="left", checkInTime=at(10))
    return floor


def test_the_report_counts_the_parties_that_are_done(evening: Floor) -> None:
    found = report(evening)
    assert found["restaurant"] == ok(evening.api.get(evening.root))["name"]
    assert (found["restaurantId"], found["date"], found["timezone"]) == (evening.restaurant, DAY, "Europe/Rome")
    assert (found["start"], found["end"]) == ("2026-11-20T03:00:00Z", "2026-11-21T03:00:00Z")
    assert found["finished"] == {"parties": 2, "covers": 6}
    assert (found["walkIns"]["covers"], found["reservations"]["covers"]) == (2, 4)
    assert (found["noShows"], found["left"]) == ({"parties": 1, "covers": 3}, {"parties": 1, "covers": 2})
    waits = found["waits"]
    assert (waits["parties"], waits["quoted"], waits["actual"], waits["onTime"]) == (1, 20, 25, 1)
    assert waits["byHour"] == [{"time": at(0), "parties": 1, "quoted": 20, "actual": 25}]
    assert (found["turns"]["parties"], found["turns"]["mean"]) == (2, 80)
    assert [one for one in found["quarterHours"] if one["covers"]] == [
        {"time": at(15), "covers": 2},
        {"time": at(135), "covers": 4},
    ]
    assert len(found["quarterHours"]) == 96
    assert found["tables"] == {"used": 1, "seatings": 2, "chairs": 8, "covers": 6}
    assert found["sections"] == [{"name": "Terrace", "parties": 2, "covers": 6}]
    assert found["servers"] == [{"name": "Mia", "parties": 2, "covers": 6}]


def test_who_is_not_done_is_not_in_it_and_an_undone_finish_leaves_it(evening: Floor) -> None:
    before = report(evening)
    back = evening.new_guest(checkInTime=at(30), status="finished")["id"]
    assert report(evening)["finished"]["parties"] == before["finished"]["parties"] + 1
    evening.change_guest(back, status="arrived")
    assert report(evening) == before


def test_a_done_guest_who_is_deleted_stays_in_it(evening: Floor) -> None:
    before = report(evening)
    for guest in evening.ids("guests"):
        assert evening.api.delete(f"{evening.root}/guests/{guest}").status_code == 204
    assert report(evening) == before
    assert evening.new_guest(phone="39 5550102")["totalVisits"] == 0


def test_a_day_is_from_closing_to_closing_by_the_reservation_then_the_check_in(floor: Floor) -> None:
    for guest, fields in {
        "late": {"checkInTime": "2026-11-21T02:59:59Z"},
        "next": {"checkInTime": "2026-11-21T03:00:00Z"},
        "booked": {"reservationTime": "2026-11-20T20:00:00Z", "checkInTime": "2026-11-22T20:00:00Z"},
    }.items():
        floor.new_guest(id=guest, status="finished", **fields)
    for of in ("the floor", "the visits"):
        assert [report(floor, f"2026-11-{day}")["finished"]["parties"] for day in (19, 20, 21, 22)] == [0, 2, 1, 0], of
        for guest in floor.ids("guests"):
            assert floor.api.delete(f"{floor.root}/guests/{guest}").status_code == 204


def test_latest_is_the_newest_day_with_something_to_report(evening: Floor) -> None:
    assert report(evening, "latest") == report(evening)
    evening.new_guest(status="finished")
    today = report(evening, "latest")["date"]
    assert today > DAY
    evening.new_guest(status="finished", reservationTime="2099-01-01T20:00:00Z")
    assert report(evening, "latest")["date"] == today


@pytest.mark.parametrize("day", ["1999-12-31", "1900-01-01"])
def test_a_day_without_a_party_is_an_empty_report(floor: Floor, day: str) -> None:
    found = report(floor, day)
    assert found["finished"] == {"parties": 0, "covers": 0}
    assert (found["waits"]["quoted"], found["turns"]["mean"], found["sections"]) == (None, None, [])
    assert len(found["quarterHours"]) == 96


@pytest.mark.parametrize(
    "day", ["2026-11-31", "20261120", "today", "2026-11-20T00:00:00Z", "1899-01-01", "x.csv", ".csv"]
)
def test_what_is_no_date_is_refused_by_its_field(floor: Floor, day: str) -> None:
    refused = problem(floor.api.get(f"{floor.root}/reports/{day}"), 422, "validation_failed")
    assert refused["params"]["field"] == "date"
    assert refused["errors"][0]["pointer"] == "/date"


def test_a_restaurant_that_is_not_there_has_no_report(api: httpx.Client) -> None:
    problem(api.get("/restaurants/999999/reports/2026-11-20"), 404, "restaurant_not_found")
    problem(api.get("/restaurants/one/reports/latest"), 404, "restaurant_not_found")


def test_it_has_the_headers_of_a_read_of_the_floor(evening: Floor) -> None:
    for form, headers in ((f"{DAY}/", {}), (f"{DAY}.csv", {}), (DAY, BROWSER)):
        answer = evening.api.get(f"/api/restaurants/{evening.restaurant}/reports/{form}", headers=headers)
        assert answer.headers.get("Restohub-Revision") == str(evening.revision()), form
        assert answer.headers.get("Restohub-Epoch"), form
    assert evening.api.head(f"{evening.root}/reports/{DAY}").status_code == 200


def test_as_a_table_it_says_the_same(evening: Floor) -> None:
    answer = evening.api.get(f"{evening.root}/reports/{DAY}.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert f"report-{evening.restaurant}-{DAY}.csv" in answer.headers["content-disposition"]
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = {(row["part"], row["group"]): row for row in csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))}
    assert rows["finished", DAY]["covers"] == "6"
    assert rows["server", "Mia"]["parties"] == "2"
    assert rows["turns", DAY]["mean"] == "80"


def test_a_browser_gets_it_as_a_page_without_a_script(evening: Floor) -> None:
    answer = evening.api.get(f"{evening.root}/reports/latest", headers=BROWSER)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for said in ("Friday, 20 November 2026", "<b>6 covers</b>", "<svg", "Terrace", "Mia", f"reports/{DAY}.csv"):
        assert said in answer.text
    assert "<script" not in answer.text


@pytest.mark.parametrize("form", [DAY, f"{DAY}.csv", "page"])
def test_it_names_no_guest_and_no_contact(evening: Floor, form: str) -> None:
    page = form == "page"
    answer = evening.api.get(f"{evening.root}/reports/{DAY if page else form}", headers=BROWSER if page else None)
    assert answer.status_code == 200
    assert not [word for word in ("Zeppelin", "0102", "example.org") if word in answer.text]


def test_what_a_host_typed_into_a_table_is_no_markup_on_the_page(floor: Floor) -> None:
    table = floor.new_table(section="<script>alert(1)</script>", server="=HYPERLINK(1)")["id"]
    dine(floor, 0, table)
    page = floor.api.get(f"{floor.root}/reports/{DAY}", headers=BROWSER).text
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "'=HYPERLINK(1)" in floor.api.get(f"{floor.root}/reports/{DAY}.csv").text


@pytest.mark.parametrize("status", ["seated", *DONE])
def test_what_is_kept_for_the_report_is_sent_to_nobody(floor: Floor, status: str) -> None:
    guest, _ = floor.party_at_table()
    told = floor.change_guest(guest["id"], status=status)
    whole = floor.api.get("/api/sync/full", params={"restaurant_id": floor.restaurant}).text
    assert not {"served", "ended"} & told.keys()
    assert '"served"' not in whole
    refused = problem(floor.patch("guests", guest["id"], {"served": None}), 422, "validation_failed")
    assert "served" in refused["hint"]
