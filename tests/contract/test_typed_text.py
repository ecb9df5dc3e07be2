"""The contract of texts as people type them: found whatever the keyboard, kept as they came."""

from __future__ import annotations

import unicodedata

import httpx
import pytest

from tests.contract.answers import Json, ok, problem
from tests.contract.requests import new_guest, new_table, op, patch_guest, patch_table, post_batch

NFC, NFD = "Caf\u00e9", "Cafe\u0301"
ZERO_WIDTH = "\u200b\u200d\u2060\ufeff\u00ad\u3164\U000e0041"
ARABIC = "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669"
DEVANAGARI = "".join(chr(0x966 + digit) for digit in range(10))


def found(api: httpx.Client, restaurant: int, query: str) -> list[str]:
    """The names of the guests whom a search finds; the query is sent as it stands."""
    answer = api.get(f"/restaurants/{restaurant}/guests?q={query}")
    assert answer.status_code == 200, answer.text
    return [guest["name"] for guest in answer.json()]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("+4670", ["Anna Berg"]),  # Swift's URLQueryItem does not escape a plus
        ("%2B4670", ["Anna Berg"]),
        ("%2B39", []),
        ("4670", ["Anna Berg", "Cem"]),
        ("Bo+Dahl", ["Bo+Dahl"]),
        ("Anna+Berg", ["Anna Berg"]),
        ("Anna ", ["Anna Berg"]),
        ("berg ", ["Anna Berg"]),
        (" ann", ["Anna Berg"]),
        ("nna+", ["Anna Berg"]),
        ("%2B", ["Anna Berg", "Bo+Dahl"]),
    ],
)
def test_a_space_in_a_search_may_be_a_plus(api: httpx.Client, restaurant: int, query: str, names: list[str]) -> None:
    new_guest(api, restaurant, name="Anna Berg", phone="+46701234567")
    new_guest(api, restaurant, name="Bo+Dahl", phone="12")
    new_guest(api, restaurant, name="Cem", phone="0034670")
    assert found(api, restaurant, query) == names


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("+4670", ["Anna Berg"]),
        ("%2B4670", ["Anna Berg"]),
        ("+0701", ["Cem"]),
        ("%2B0701", []),
        ("0701-23", ["Cem"]),
        ("(070) 12", ["Cem"]),
        ("1234567", ["Anna Berg"]),
        ("46-70", ["Anna Berg"]),
        ("46.70", ["Anna Berg"]),
        ("46/70", ["Anna Berg"]),
        ("4670 anna", []),  # it is no phone
        ("6-7", []),  # two digits are in too many
        ("70 anna", []),
        ("2 0701", []),  # nothing is found across name and phone
    ],
)
def test_a_phone_is_found_however_it_was_written(
    api: httpx.Client, restaurant: int, query: str, names: list[str]
) -> None:
    new_guest(api, restaurant, name="Anna Berg", phone="+46 70-123 45 67")
    new_guest(api, restaurant, name="Cem", phone="(0701) 23")
    new_guest(api, restaurant, name="Table for 2", phone=None)
    assert found(api, restaurant, query) == names


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        (NFD, NFC),
        (NFC, NFD),
        (NFC, NFD.upper()),
        ("Stra\u00dfe", "STRASSE"),
        ("\u0391\u039d\u039d\u0391\u03a3", "\u03b1\u03bd\u03bd\u03b1\u03c2"),  # a final sigma
        ("An\u200bna", "anna"),
        ("Anna", "an\u00adna"),
        ("\uff21\uff4e\uff4e\uff41", "anna"),  # full width
        ("Gr\ufb01n", "grfin"),
        ("Anna\u00a0Berg", "anna berg"),
    ],
)
def test_names_are_found_however_they_were_typed(api: httpx.Client, restaurant: int, typed: str, query: str) -> None:
    made = new_guest(api, restaurant, firstName=typed)
    new_guest(api, restaurant, firstName="Zoe")
    assert found(api, restaurant, query) == [typed] == [made["firstName"]]


@pytest.mark.parametrize("digits", [ARABIC, DEVANAGARI, "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19"])
def test_digits_count_by_value(api: httpx.Client, restaurant: int, digits: str) -> None:
    foreign = "+39 06 123".translate({ord(str(value)): digit for value, digit in enumerate(digits)})
    new_guest(api, restaurant, id="g1", name="Regular", phone=foreign)
    assert found(api, restaurant, "123") == ["Regular"] == found(api, restaurant, foreign[-3:])
    patch_guest(api, restaurant, "g1", status="finished")
    again = new_guest(api, restaurant, phone="+3906123")
    assert again["totalVisits"] == 1
    assert new_guest(api, restaurant, phone=foreign)["phone"] == foreign
    new_table(api, restaurant, tableNumber="12")
    number = digits[1] + digits[2]
    problem(
        api.post(f"/restaurants/{restaurant}/tables", json={"tableNumber": number, "capacity": 2}),
        409,
        "table_number_taken",
    )


def test_an_email_is_the_same_in_either_form(api: httpx.Client, restaurant: int) -> None:
    patch_guest(api, restaurant, new_guest(api, restaurant, email=f"{NFD}@b.it")["id"], status="finished")
    assert new_guest(api, restaurant, email=f"{NFC.upper()}@B.it")["totalVisits"] == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{NFC} 1", f"{NFD} 1"),
        ("7", "7\u200b"),
        ("7", "\u00ad7"),
        ("7", "\uff17"),
        ("\u200b 7", "7"),
        ("T 1", "t\u00a01"),
        ("\u2167", "viii"),
    ],
)
def test_table_numbers_that_look_alike_are_one(api: httpx.Client, restaurant: int, one: str, other: str) -> None:
    """In a request of its own, within a batch, and where it is changed to that."""
    table = new_table(api, restaurant, id="t1", tableNumber=one)
    assert table["tableNumber"] == one.strip()
    body = {"tableNumber": other, "capacity": 2}
    problem(api.post(f"/restaurants/{restaurant}/tables", json=body), 409, "table_number_taken")
    new_table(api, restaurant, id="t2", tableNumber="99")
    problem(api.patch(f"/restaurants/{restaurant}/tables/t2", json={"tableNumber": other}), 409, "table_number_taken")
    assert patch_table(api, restaurant, "t1", tableNumber=other)["tableNumber"] == other.strip()
    steps = [op("table", "update", "t2", tableNumber="x"), op("table", "create", "t3", tableNumber=one, capacity=2)]
    problem(post_batch(api, restaurant, *steps), 409, "table_number_taken")
    steps = [op("table", "update", "t1", tableNumber="x"), *steps[1:]]
    assert ok(post_batch(api, restaurant, *steps))["success"]


@pytest.mark.parametrize("blank", ["\u200b", ZERO_WIDTH, " \u200b ", "\u2800", "\x07", "\u00a0\u2009\ufe0f", ""])
def test_what_nobody_can_see_is_blank(api: httpx.Client, restaurant: int, blank: str) -> None:
    root = f"/restaurants/{restaurant}"
    new_guest(api, restaurant, id="g1")
    new_table(api, restaurant, id="t1")
    asked: list[tuple[str, str, Json, str]] = [
        ("POST", "/guests", {"name": blank, "partySize": 2}, "/name"),
        ("POST", "/guests", {"firstName": blank, "partySize": 2}, "/firstName"),
        ("PATCH", "/guests/g1", {"name": blank}, "/name"),
        ("PATCH", "/guests/g1", {"guestName": blank}, "/guestName"),
        ("POST", "/tables", {"tableNumber": blank, "capacity": 2}, "/tableNumber"),
        ("PATCH", "/tables/t1", {"number": blank}, "/number"),
        ("PATCH", "", {"name": blank}, "/name"),
    ]
    for method, path, body, pointer in asked:
        refused = problem(api.request(method, root + path, json=body), 422, "validation_failed")
        assert [fault["pointer"] for fault in refused["errors"]] == [pointer]


@pytest.mark.parametrize(
    "name", ["\U0001f382", "\U0001fae0", "\u0e01\u0e33", "\uf8ff", "\u200bAnna", "\u2066Anna\u2069"]
)
def test_a_name_that_can_be_seen_is_kept_as_it_was_typed(api: httpx.Client, restaurant: int, name: str) -> None:
    guest = new_guest(api, restaurant, name=name, notes="\u200b", tags=[NFD])
    assert (guest["name"], guest["firstName"], guest["notes"], guest["tags"]) == (name, name, "\u200b", [NFD])


def test_a_name_is_parted_after_something_that_can_be_seen(api: httpx.Client, restaurant: int) -> None:
    guest = new_guest(api, restaurant, name="\u200b Anna Berg")
    assert (guest["firstName"], guest["lastName"]) == ("\u200b Anna Berg", "")


@pytest.mark.parametrize(
    "status", ["no\u2011show", "No\u2013Show", "\uff2e\uff2f show", "no\u200bshow", "no\u2014show"]
)
def test_a_status_may_have_any_dash_and_width(api: httpx.Client, restaurant: int, status: str) -> None:
    assert new_guest(api, restaurant, status=status)["status"] == "no_show"
    new_table(api, restaurant, status="needs\u2011cleaning")
    assert [one["status"] for one in api.get(f"/restaurants/{restaurant}/tables").json()] == ["dirty"]


def test_a_section_is_found_however_it_was_typed(api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, id="t1", section=NFD)
    new_table(api, restaurant, id="t2", tableNumber="13", section="Bar")
    new_table(api, restaurant, id="t3", tableNumber="14")
    for section in (NFC, NFC.upper(), f" {NFD} "):
        answer = api.get(f"/restaurants/{restaurant}/tables", params={"section": section})
        assert [(one["id"], one["section"]) for one in answer.json()] == [("t1", NFD)]


def test_keys_are_compared_as_they_are(api: httpx.Client, restaurant: int) -> None:
    """A mutation id is a token of the app, not a text that somebody typed."""
    new_guest(api, restaurant, id="g1")
    updates = [op("guest", "update", "g1", partySize=size) | {"mutation_id": key} for size, key in ((3, NFC), (4, NFD))]
    answer = ok(api.post(f"/api/sync/batch?restaurant_id={restaurant}", json={"updates": updates}))
    assert [one["status"] for one in answer["results"]] == ["applied", "applied"]
    for key in ("Key", "key", " key"):
        lower = op("guest", "update", "g1", notes=key) | {"mutation_id": key}
        answer = ok(api.post(f"/api/sync/batch?restaurant_id={restaurant}", json={"updates": [lower]}))
        assert answer["results"][0]["status"] == "applied"
        made = api.post(
            f"/restaurants/{restaurant}/guests",
            json={"name": "Ada", "partySize": 2},
            headers={"Idempotency-Key": f"q{key}"},
        )
        assert (made.status_code, "Idempotency-Replayed" in made.headers) == (201, False)
    assert unicodedata.normalize("NFC", NFD) == NFC
