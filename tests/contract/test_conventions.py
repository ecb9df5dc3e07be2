"""The contract's conventions for names and values: spellings, types, ids, and the forms of a path."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.contract.answers import Json, faulty_fields, ok, problem
from tests.contract.floor_client import Floor
from tests.fields import GUEST, TABLE, snake, taken

NOON = "2024-01-15T12:00:00Z"

SAMPLES: dict[str, Any] = {
    "string": "Hopper", "string or null": "by the window", "list of string": ["vegan"], "bool": False, "int": 2,
    "int or null": 20, "time or null": NOON,
}  # fmt: skip
# Each field of two words that needs nothing else on the floor.
GUEST_SPELLINGS, TABLE_SPELLINGS = (
    [
        (name, snake(name), SAMPLES[kind])
        for name, kind in taken(entity).items()
        if snake(name) != name and name not in ("tableId", "currentGuestId")
    ]
    for entity in (GUEST, TABLE)
)
OLDER: list[tuple[str, str, Any]] = [
    ("guestName", "name", "Grace Hopper"),
    ("guest_name", "name", "Grace Hopper"),
    ("phoneNumber", "phone", "+39 06 1"),
    ("phone_number", "phone", "+39 06 1"),
    ("arrivalTime", "checkInTime", NOON),
    ("arrival_time", "checkInTime", NOON),
]
READ_ONLY: list[tuple[str, Any]] = [
    ("id", "another"),
    ("id", "no id/at all"),
    ("id", 7),
    ("createdAt", NOON),
    ("created_at", NOON),
    ("lastUpdated", NOON),
    ("last_updated", NOON),
    ("updatedAt", NOON),
    ("updated_at", NOON),
    ("version", 1),
    ("restaurantId", 77),
    ("restaurant_id", 77),
    ("phase", "done"),
    ("totalVisits", 9),
    ("total_visits", 9),
    ("waitTime", 25),
    ("wait_time", 25),
]
WRONG_TYPES: list[tuple[str, Any]] = [
    ("partySize", "2"),
    ("partySize", True),
    ("partySize", 2.5),
    ("quotedWait", "10"),
    ("firstName", 5),
    ("phone", 391234),
    ("notes", ["a"]),
    ("isWalkIn", "true"),
    ("isWalkIn", 1),
    ("tags", "vip"),
    ("tags", [1]),
    ("dietaryRestrictions", {"vegan": True}),
    ("status", 1),
    ("tableId", 12),
    ("reservationTime", 1705314600),
]
GOOD_IDS = ["7", "g1", "A.b_c-9", "..a", "x" * 64]
BAD_IDS: list[Any] = ["x" * 65, ".", "..", "...", "è", "٣", "a\n", 7]
BAD_IDS += [f"a{sign}b" for sign in " !\"#$%&'()*+,/:;<=>?@[\\]^`{|}~\x7f"]
ROUTES = ["guests", "tables", "guests/g1", "tables/t1"]


@pytest.mark.parametrize(("camel", "other", "value"), GUEST_SPELLINGS)
def test_a_guests_field_is_taken_in_both_spellings(floor: Floor, camel: str, other: str, value: Any) -> None:
    for spelling in (camel, other):
        guest = floor.new_guest()
        assert floor.change_guest(guest["id"], **{spelling: value})[camel] == value


@pytest.mark.parametrize(("camel", "other", "value"), TABLE_SPELLINGS)
def test_a_tables_field_is_taken_in_both_spellings(floor: Floor, camel: str, other: str, value: Any) -> None:
    for spelling in (camel, other):
        table = floor.new_table()
        assert floor.change_table(table["id"], **{spelling: value})[camel] == value
        floor.api.delete(f"{floor.root}/tables/{table['id']}")


def test_a_new_guest_is_taken_in_snake_case(floor: Floor) -> None:
    body = {"first_name": "Grace", "last_name": "Hopper", "party_size": 3, "is_walk_in": False}
    guest = ok(floor.api.post(f"{floor.root}/guests/", json=body), 201)
    assert (guest["name"], guest["partySize"], guest["isWalkIn"]) == ("Grace Hopper", 3, False)


def test_the_two_sides_of_a_seating_are_taken_in_snake_case(floor: Floor) -> None:
    table, other = floor.new_table(), floor.new_table(capacity=1)
    guest = floor.new_guest()
    assert floor.change_guest(guest["id"], table_id=table["id"])["tableId"] == table["id"]
    moved = floor.change_table(other["id"], current_guest_id=guest["id"], allow_over_capacity=True)
    assert moved["currentGuestId"] == guest["id"]


@pytest.mark.parametrize(("camel", "other", "value"), GUEST_SPELLINGS)
def test_giving_both_spellings_of_a_guests_field_is_an_error(floor: Floor, camel: str, other: str, value: Any) -> None:
    guest = floor.new_guest()
    with floor.untouched():
        problem(floor.patch("guests", guest["id"], {camel: value, other: value}), 422, "validation_failed")


@pytest.mark.parametrize(("camel", "other", "value"), TABLE_SPELLINGS)
def test_giving_both_spellings_of_a_tables_field_is_an_error(floor: Floor, camel: str, other: str, value: Any) -> None:
    table = floor.new_table()
    with floor.untouched():
        problem(floor.patch("tables", table["id"], {camel: value, other: value}), 422, "validation_failed")


@pytest.mark.parametrize(("older", "field", "value"), OLDER)
def test_the_apps_older_spellings_of_a_guest_are_taken(floor: Floor, older: str, field: str, value: Any) -> None:
    assert floor.new_guest(**{older: value})[field] == value
    guest = floor.new_guest()
    assert floor.change_guest(guest["id"], **{older: value})[field] == value


@pytest.mark.parametrize("older", ["assignedTableId", "assigned_table_id"])
def test_the_apps_older_spelling_of_a_guests_table_seats_him(floor: Floor, older: str) -> None:
    table = floor.new_table()
    assert floor.new_guest(**{older: table["id"]})["tableId"] == table["id"]


@pytest.mark.parametrize("number", [12, "12"])
def test_the_apps_older_spelling_of_a_table_number_may_be_an_integer(floor: Floor, number: int | str) -> None:
    made = ok(floor.api.post(f"{floor.root}/tables/", json={"number": number, "capacity": 4}), 201)
    assert made["tableNumber"] == "12"
    assert floor.change_table(made["id"], number=13)["tableNumber"] == "13"


def test_older_spellings_never_go_out(floor: Floor) -> None:
    guest = floor.new_guest(guestName="Ada Lovelace", phoneNumber="1", arrivalTime=NOON)
    table = ok(floor.api.post(f"{floor.root}/tables/", json={"number": 5, "capacity": 4}), 201)
    assert guest.keys() == GUEST.keys()
    assert (guest["firstName"], guest["lastName"]) == ("Ada", "Lovelace"), "as `name`"
    assert table.keys() == TABLE.keys()


@pytest.mark.parametrize(("field", "value"), READ_ONLY)
def test_a_read_only_field_sent_back_is_ignored(floor: Floor, field: str, value: Any) -> None:
    guest, table = floor.party_at_table()
    with floor.untouched():
        assert floor.change_guest(guest["id"], **{field: value}) == guest
        assert floor.change_table(table["id"], **{field: value}) == table


@pytest.mark.parametrize(("field", "value"), [pair for pair in READ_ONLY if pair[0] != "id"])
def test_a_read_only_field_of_a_new_guest_is_ignored(floor: Floor, field: str, value: Any) -> None:
    plain, guest = floor.new_guest(), floor.new_guest(**{field: value})
    changing = {"id", "version", "createdAt", "lastUpdated", "checkInTime"}
    assert {k: v for k, v in guest.items() if k not in changing} == {
        k: v for k, v in plain.items() if k not in changing
    }
    assert guest["version"] == plain["version"] + 1
    assert guest["createdAt"] != NOON
    assert guest["lastUpdated"] != NOON


@pytest.mark.parametrize("field", ["colour", "isDeleted", "waitTimeMinutes", "firstname"])
def test_a_field_the_hub_never_heard_of_is_refused_by_name(floor: Floor, field: str) -> None:
    guest, table = floor.new_guest(), floor.new_table()
    with floor.untouched():
        for answer in (
            floor.patch("guests", guest["id"], {field: "x", "notes": "y"}),
            floor.patch("tables", table["id"], {field: "x", "notes": "y"}),
            floor.post_guest(**{field: "x"}),
            floor.post_table(**{field: "x"}),
        ):
            assert faulty_fields(answer) == {f"/{field}"}
            assert field in answer.text


@pytest.mark.parametrize(("field", "value"), WRONG_TYPES)
def test_types_of_a_guest_are_not_coerced(floor: Floor, field: str, value: Any) -> None:
    guest = floor.new_guest()
    with floor.untouched():
        pointers = faulty_fields(floor.patch("guests", guest["id"], {field: value}))
    assert {pointer.split("/")[1] for pointer in pointers} == {field}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tableNumber", 7),
        ("capacity", "4"),
        ("capacity", True),
        ("minCapacity", "1"),
        ("rotation", "90"),
        ("rotation", True),
        ("position", [0.5, 0.5]),
        ("position", {"x": "0.5", "y": 0.5}),
        ("section", 3),
        ("number", True),
        ("currentGuestId", 5),
    ],
)
def test_types_of_a_table_are_not_coerced(floor: Floor, field: str, value: Any) -> None:
    table = floor.new_table()
    with floor.untouched():
        problem(floor.patch("tables", table["id"], {field: value}), 422, "validation_failed")


@pytest.mark.parametrize(
    "text",
    [
        '{"firstName": "A\\u0000", "partySize": 2}',
        '{"firstName": "\\ud800", "partySize": 2}',
        '{"firstName": "Ada", "partySize": 2, "partySize": 3}',
        '{"firstName": "Ada", "partySize": 2, "notes": "a", "notes": "a"}',
        '{"firstName": "Ada", "partySize": ',
    ],
)
def test_nul_a_lone_surrogate_and_a_key_given_twice_are_invalid_json(floor: Floor, text: str) -> None:
    headers = {"Content-Type": "application/json"}
    with floor.untouched():
        problem(floor.api.post(f"{floor.root}/guests/", content=text, headers=headers), 400, "invalid_json")


def test_text_beyond_ascii_comes_back_as_it_was_sent(floor: Floor) -> None:
    answer = floor.post_guest(firstName="Žofie", lastName="李 🍝", notes='tab\t "quote" \\ line\n')
    guest = floor.guest(ok(answer, 201)["id"])
    assert (guest["name"], guest["notes"]) == ("Žofie 李 🍝", 'tab\t "quote" \\ line\n')
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"


def test_integers_are_never_written_with_a_fraction(floor: Floor) -> None:
    floor.new_guest(quotedWait=15)
    floor.new_table(capacity=4, minCapacity=2)
    integers = "partySize|quotedWait|totalVisits|version|capacity|minCapacity"
    for kind in ("guests", "tables"):
        text = floor.api.get(f"{floor.root}/{kind}/").text
        assert re.search(rf'"({integers})":\s*\d+[,}}]', text)
        assert not re.search(rf'"({integers})":\s*\d+[.eE]', text)


@pytest.mark.parametrize("chosen", GOOD_IDS)
def test_a_client_may_choose_an_id(floor: Floor, chosen: str) -> None:
    guest, table = floor.new_guest(id=chosen), floor.new_table(id=chosen)
    assert guest["id"] == table["id"] == chosen
    assert (floor.guest(chosen), floor.table(chosen)) == (guest, table)


@pytest.mark.parametrize("chosen", BAD_IDS)
def test_an_id_outside_the_alphabet_is_refused(floor: Floor, chosen: Any) -> None:
    with floor.untouched():
        assert faulty_fields(floor.post_guest(id=chosen)) == {"/id"}
        assert faulty_fields(floor.post_table(id=chosen)) == {"/id"}


def test_case_matters_in_an_id(floor: Floor) -> None:
    floor.new_guest(id="g", firstName="Lower")
    floor.new_guest(id="G", firstName="Upper")
    assert (floor.guest("g")["firstName"], floor.guest("G")["firstName"]) == ("Lower", "Upper")
    floor.new_table(id="t")
    problem(floor.api.get(f"{floor.root}/tables/T"), 404, "table_not_found")


def test_without_a_chosen_id_the_hub_makes_a_uuid7(floor: Floor) -> None:
    ids = [floor.new_guest()["id"], floor.new_guest()["id"], floor.new_table()["id"]]
    assert len(set(ids)) == 3
    for made in ids:
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", made)


def test_the_id_of_a_deleted_entity_stays_taken(floor: Floor) -> None:
    floor.new_guest(id="same")
    floor.new_table(id="same")
    for kind in ("guests", "tables"):
        assert floor.api.delete(f"{floor.root}/{kind}/same").status_code == 204
    with floor.untouched():
        problem(floor.post_guest(id="same"), 409, "already_exists")
        problem(floor.post_table(id="same"), 409, "already_exists")
    floor.new_guest(id="his")
    assert floor.api.delete(f"{floor.root}/guests/his").status_code == 204
    assert floor.new_table(id="his")["id"] == "his", "a guest's id is none of a table's"


def test_two_restaurants_may_have_the_same_ids_and_numbers(floor: Floor, api: httpx.Client) -> None:
    other = ok(api.post("/restaurants", json={"name": "Other"}), 201)["id"]
    elsewhere = Floor(api, other)
    floor.new_guest(id="g", firstName="Here")
    floor.new_table(id="t", tableNumber="1")
    elsewhere.new_guest(id="g", firstName="There")
    elsewhere.new_table(id="t", tableNumber="1")
    assert (floor.guest("g")["firstName"], elsewhere.guest("g")["firstName"]) == ("Here", "There")


@pytest.mark.parametrize("path", ["/restaurants/0", "/restaurants/9007199254740992", "/restaurants/999999999"])
def test_a_restaurant_that_is_not_there_is_404(api: httpx.Client, path: str) -> None:
    for route in ("", "/guests/", "/tables/", "/guests/g1"):
        assert ok(api.get(path + route), 404)["error_code"] == "restaurant_not_found"


@pytest.mark.parametrize("route", ROUTES)
def test_a_trailing_slash_never_matters_on_a_read(floor: Floor, route: str) -> None:
    floor.new_guest(id="g1")
    floor.new_table(id="t1")
    with_slash, without = floor.api.get(f"{floor.root}/{route}/"), floor.api.get(f"{floor.root}/{route}")
    assert (with_slash.status_code, without.status_code) == (200, 200)
    assert with_slash.json() == without.json()


def test_a_trailing_slash_never_matters_before_a_query(floor: Floor) -> None:
    guest = floor.new_guest(status="arrived")
    floor.new_guest()
    for path in ("/guests", "/guests/"):
        for prefix in ("", "/api"):
            assert floor.api.get(f"{prefix}{floor.root}{path}?status=arrived").json() == [guest]


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("prefix", ["", "/api"])
def test_every_restaurant_route_answers_with_and_without_slash_and_api(
    api: httpx.Client, restaurant: int, prefix: str, slash: str
) -> None:
    root = f"{prefix}/restaurants/{restaurant}"

    def ask(method: str, path: str, status: int, body: Json | None = None) -> None:
        answer = api.request(method, path + slash, json=body)
        assert answer.status_code == status, f"{method} {path}{slash}: {answer.text}"

    ask("GET", f"{prefix}/restaurants", 200)
    ask("POST", f"{prefix}/restaurants", 201, {"name": "Another"})
    ask("GET", root, 200)
    ask("PUT", root, 200, {"name": "New name"})
    ask("PATCH", root, 200, {"name": "Newer name"})
    ask("POST", f"{root}/guests", 201, {"id": "g1", "firstName": "Ada", "partySize": 2})
    ask("POST", f"{root}/tables", 201, {"id": "t1", "tableNumber": "1", "capacity": 4})
    for one in (f"{root}/guests/g1", f"{root}/tables/t1"):
        ask("GET", one, 200)
        ask("PUT", one, 200, {"notes": "a"})
        ask("PATCH", one, 200, {"notes": "b"})
    ask("GET", f"{root}/guests", 200)
    ask("GET", f"{root}/tables", 200)
    ask("PUT", f"{root}/guests/g1/status/atomic", 200, {"status": "seated"})
    ask("DELETE", f"{root}/guests/g1", 204)
    ask("DELETE", f"{root}/tables/t1", 204)
    ask("DELETE", root, 204)


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_the_location_of_a_new_entity_can_be_opened(floor: Floor, prefix: str) -> None:
    for kind, body in (("guests", {"firstName": "Ada", "partySize": 2}), ("tables", {"number": 1, "capacity": 4})):
        made = floor.api.post(f"{prefix}{floor.root}/{kind}/", json={**body, "id": "one"})
        assert ok(floor.api.get(made.headers["Location"])) == ok(made, 201)
