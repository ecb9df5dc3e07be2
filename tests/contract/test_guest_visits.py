"""The contract of a guest's `totalVisits`: who counts as having been here, and when that is counted."""

from __future__ import annotations

import httpx
import pytest

from tests.contract.answers import ok
from tests.contract.floor_client import Floor

PHONE, MAIL = "+39 06 1234", "ada@example.com"


@pytest.mark.parametrize("spelled", ["39061234", "+39-06-1234", "(39) 06/12.34", "tel: +39 06 12 34"])
def test_a_finished_guest_with_the_same_digits_counts(floor: Floor, spelled: str) -> None:
    floor.new_guest(phone=PHONE, status="finished")
    assert floor.new_guest(phone=spelled)["totalVisits"] == 1


@pytest.mark.parametrize("spelled", ["ada@example.com", "ADA@Example.COM"])
def test_a_finished_guest_with_the_same_mail_counts_whatever_its_case(floor: Floor, spelled: str) -> None:
    floor.new_guest(email=MAIL, status="finished")
    assert floor.new_guest(email=spelled)["totalVisits"] == 1


def test_mail_is_case_folded_not_only_lowered(floor: Floor) -> None:
    floor.new_guest(email="strasse@example.com", status="finished")
    assert floor.new_guest(email="STRAẞE@example.com")["totalVisits"] == 1


def test_each_guest_counts_once_whether_by_phone_or_mail_or_both(floor: Floor) -> None:
    floor.new_guest(phone=PHONE, email=MAIL, status="finished")
    floor.new_guest(phone=PHONE, status="finished")
    floor.new_guest(email=MAIL, status="finished")
    floor.new_guest(phone="39061235", email="eve@example.com", status="finished")
    assert floor.new_guest(phone=PHONE, email=MAIL)["totalVisits"] == 3


@pytest.mark.parametrize("status", ["waitlist", "confirmed", "seated", "cancelled", "no_show", "left"])
def test_only_finished_guests_count(floor: Floor, status: str) -> None:
    floor.new_guest(phone=PHONE, status=status)
    assert floor.new_guest(phone=PHONE)["totalVisits"] == 0


def test_a_guest_who_finished_later_counts_for_the_next(floor: Floor) -> None:
    first = floor.new_guest(phone=PHONE)
    floor.change_guest(first["id"], status="finished")
    second = floor.new_guest(phone=PHONE)
    assert second["totalVisits"] == 1
    floor.change_guest(second["id"], status="finished")
    assert floor.new_guest(phone=PHONE)["totalVisits"] == 2


def test_the_count_is_left_alone_once_it_is_made(floor: Floor) -> None:
    waiting, other = floor.new_guest(phone=PHONE), floor.new_guest(phone=PHONE)
    floor.change_guest(other["id"], status="finished")
    assert floor.change_guest(waiting["id"], notes="x", status="arrived")["totalVisits"] == 0
    assert floor.guest(waiting["id"])["totalVisits"] == 0


def test_the_count_is_made_again_when_phone_or_mail_changes(floor: Floor) -> None:
    floor.new_guest(phone=PHONE, status="finished")
    floor.new_guest(email=MAIL, status="finished")
    guest = floor.new_guest()
    assert guest["totalVisits"] == 0
    assert floor.change_guest(guest["id"], phone=PHONE)["totalVisits"] == 1
    assert floor.change_guest(guest["id"], email=MAIL)["totalVisits"] == 2
    assert floor.change_guest(guest["id"], phone=None)["totalVisits"] == 1


def test_a_guest_does_not_count_for_himself(floor: Floor) -> None:
    guest = floor.new_guest(phone=PHONE, status="finished")
    assert floor.change_guest(guest["id"], phone="39 06 1234", email=MAIL)["totalVisits"] == 0


def test_guests_without_phone_and_mail_are_not_the_same_one(floor: Floor) -> None:
    floor.new_guest(status="finished")
    floor.new_guest(phone="", email="", status="finished")
    assert floor.new_guest(phone=None, email=None)["totalVisits"] == 0


def test_phones_without_any_digit_are_not_the_same_one(floor: Floor) -> None:
    floor.new_guest(phone="ask the concierge", status="finished")
    assert floor.new_guest(phone="none")["totalVisits"] == 0


def test_visits_of_another_restaurant_do_not_count(floor: Floor, api: httpx.Client) -> None:
    other = ok(api.post("/restaurants", json={"name": "Other"}), 201)["id"]
    Floor(api, other).new_guest(phone=PHONE, status="finished")
    assert floor.new_guest(phone=PHONE)["totalVisits"] == 0
