"""One restaurant's floor as a client works on it, and the rules that must hold after each test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx

from tests.contract.answers import TIME, Json, ok
from tests.fields import DONE, GUEST, PHASES, TABLE, of_type

# The revision, the guests and the tables of a floor.
Picture = tuple[int, list[Json], list[Json]]


class Floor:
    """The floor of one restaurant; `new_*`, `change_*` and reads insist on success, `api` asks whatever else."""

    def __init__(self, api: httpx.Client, restaurant: int) -> None:
        self.api = api
        self.restaurant = restaurant
        self.root = f"/restaurants/{restaurant}"
        self.tables_made = 0

    def every(self, kind: str, params: Any = None) -> list[Json]:
        return self._list(kind, params)[1]

    def ids(self, kind: str, params: Any = None) -> set[str]:
        return {row["id"] for row in self.every(kind, params)}

    def read(self, kind: str, entity_id: str) -> Json:
        return ok(self.api.get(f"{self.root}/{kind}/{entity_id}"))

    def guest(self, guest_id: str) -> Json:
        return self.read("guests", guest_id)

    def table(self, table_id: str) -> Json:
        return self.read("tables", table_id)

    def post_guest(self, **fields: Any) -> httpx.Response:
        named = {} if {"name", "firstName", "guestName", "guest_name"} & fields.keys() else {"firstName": "Ada"}
        return self.api.post(f"{self.root}/guests/", json={"partySize": 2, **named, **fields})

    def new_guest(self, **fields: Any) -> Json:
        return ok(self.post_guest(**fields), 201)

    def post_table(self, **fields: Any) -> httpx.Response:
        self.tables_made += 1
        return self.api.post(
            f"{self.root}/tables/", json={"tableNumber": f"T{self.tables_made}", "capacity": 4, **fields}
        )

    def new_table(self, **fields: Any) -> Json:
        return ok(self.post_table(**fields), 201)

    def patch(self, kind: str, entity_id: str, fields: Json, **options: Any) -> httpx.Response:
        return self.api.patch(f"{self.root}/{kind}/{entity_id}", json=fields, **options)

    def change_guest(self, guest_id: str, **fields: Any) -> Json:
        return ok(self.patch("guests", guest_id, fields))

    def change_table(self, table_id: str, **fields: Any) -> Json:
        return ok(self.patch("tables", table_id, fields))

    def put(self, kind: str, whole: Json, **fields: Any) -> Json:
        """What the app does: the whole object sent back, with some fields changed."""
        return ok(self.api.put(f"{self.root}/{kind}/{whole['id']}", json={**whole, **fields}))

    def party_at_table(self, status: str = "seated", **fields: Any) -> tuple[Json, Json]:
        """A guest of this status at a table of his own, both as they are now."""
        table = self.new_table()
        guest = self.new_guest(status=status, tableId=table["id"], **fields)
        return guest, self.table(table["id"])

    def revision(self) -> int:
        return self._list("guests")[0]

    def picture(self) -> Picture:
        return *self._list("guests"), self.every("tables")

    @contextlib.contextmanager
    def untouched(self) -> Iterator[None]:
        """Nothing in here changes the floor or uses up a revision."""
        before = self.picture()
        yield
        assert self.picture() == before

    def check(self, picture: Picture | None = None) -> None:
        """What always holds (contract.md, "What always holds") and the shape of every entity, now or in a picture."""
        _, all_guests, all_tables = picture or self.picture()
        guests = {guest["id"]: guest for guest in all_guests}
        tables = {table["id"]: table for table in all_tables}
        for guest in guests.values():
            check_guest(guest)
            if guest["tableId"] is not None:
                assert tables[guest["tableId"]]["currentGuestId"] == guest["id"]
        for table in tables.values():
            check_table(table)
            if table["currentGuestId"] is not None:
                guest = guests[table["currentGuestId"]]
                assert guest["tableId"] == table["id"]
                assert table["status"] == ("occupied" if guest["status"] == "seated" else "reserved")

    def _list(self, kind: str, params: Any = None) -> tuple[int, list[Json]]:
        answer = self.api.get(f"{self.root}/{kind}/", params=params)
        assert answer.status_code == 200, answer.text
        rows = answer.json()
        assert isinstance(rows, list)
        return int(answer.headers["Restohub-Revision"]), rows


def check_guest(guest: Json) -> None:
    assert guest.keys() == GUEST.keys()
    assert all(type(guest[key]) is int for key in of_type(GUEST, "int"))
    assert all(type(guest[key]) is list for key in of_type(GUEST, "list of string"))
    assert all(type(guest[key]) is bool for key in of_type(GUEST, "bool"))
    assert all(guest[key] is None or TIME.fullmatch(guest[key]) for key in of_type(GUEST, "time or null"))
    assert all(TIME.fullmatch(guest[key]) for key in of_type(GUEST, "time"))
    assert guest["createdAt"] <= guest["lastUpdated"]
    assert guest["name"] == f"{guest['firstName']} {guest['lastName']}".rstrip(" ")
    assert guest["phase"] == PHASES[guest["status"]]
    assert guest["tableId"] is None or guest["status"] not in DONE, "a terminal guest has no table"


def check_table(table: Json) -> None:
    assert table.keys() == TABLE.keys()
    assert all(type(table[key]) is int for key in of_type(TABLE, "int"))
    assert table["position"].keys() == {"x", "y"}
    assert all(TIME.fullmatch(table[key]) for key in of_type(TABLE, "time"))
    assert table["createdAt"] <= table["lastUpdated"]


def checked_floor(api: httpx.Client, restaurant: int) -> Iterator[Floor]:
    """A floor; what always holds is asked at the end."""
    floor = Floor(api, restaurant)
    yield floor
    floor.check()
