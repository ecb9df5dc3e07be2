"""The rules of restaurants themselves."""

from __future__ import annotations

from restohub.floor.apply import apply_directory
from restohub.floor.commands import (
    CreateRestaurant,
    DeleteRestaurant,
    DirectoryCommand,
    RestaurantFields,
    UpdateRestaurant,
)
from restohub.floor.model import DIRECTORY_ID, Directory, Entry, Floor, Guest, Stamp
from restohub.floor.outcomes import Accepted, Refused
from restohub.floor.restaurant_rules import decide_directory


class Restaurants:
    """The restaurants of a hub and their floors."""

    def __init__(self) -> None:
        self.directory = Directory()
        self.floors: dict[int, Floor] = {}

    def tell(self, command: DirectoryCommand) -> Accepted | Refused:
        stamp = Stamp(self.directory.revision + 1, 1_700_000_000 + self.directory.revision, "tx")
        verdict = decide_directory(self.directory, self.floors, command, stamp)
        if isinstance(verdict, Accepted) and verdict.changes:
            entry = Entry(DIRECTORY_ID, stamp.revision, stamp.time, "tx", False, verdict.changes)
            self.directory = apply_directory(self.directory, entry)
            for number in self.directory.restaurants:
                self.floors.setdefault(number, Floor(restaurant_id=number))
        return verdict

    def made(self, name: str) -> int:
        self.tell(CreateRestaurant(RestaurantFields(name=name, timezone="Europe/Rome")))
        return max(self.directory.restaurants)


def test_the_id_of_a_removed_restaurant_is_not_given_again() -> None:
    hub = Restaurants()
    assert [hub.made("A"), hub.made("B")] == [1, 2]
    hub.tell(DeleteRestaurant(2))
    assert hub.made("C") == 3
    assert sorted(hub.directory.restaurants) == [1, 3]


def test_a_restaurant_with_a_guest_is_not_removed() -> None:
    hub = Restaurants()
    hub.made("A")
    hub.floors[1] = Floor(restaurant_id=1, guests={"g": Guest(id="g", first_name="Ada", party_size=1)})
    refused = hub.tell(DeleteRestaurant(1))
    assert isinstance(refused, Refused)
    assert refused.code == "restaurant_not_empty"


def test_a_name_that_stays_makes_no_commit() -> None:
    hub = Restaurants()
    hub.made("A")
    same = hub.tell(UpdateRestaurant(1, RestaurantFields(name="A")))
    assert isinstance(same, Accepted)
    assert (same.changes, hub.directory.revision) == ((), 1)


def test_a_renamed_restaurant_keeps_its_birth() -> None:
    hub = Restaurants()
    hub.made("A")
    before = hub.directory.restaurants[1]
    hub.tell(UpdateRestaurant(1, RestaurantFields(name="B")))
    after = hub.directory.restaurants[1]
    assert (after.name, after.timezone, after.version) == ("B", before.timezone, 2)
    assert (after.created_at, after.created_revision) == (before.created_at, before.created_revision)


def test_a_restaurant_goes_whole_by_its_name_alone() -> None:
    hub = Restaurants()
    hub.made("A + B")
    hub.floors[1] = Floor(restaurant_id=1, guests={"g": Guest(id="g", first_name="Ada", party_size=1)})
    refused = hub.tell(DeleteRestaurant(1, "A"))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.current) == ("restaurant_name_differs", hub.directory.restaurants[1])
    verdict = hub.tell(DeleteRestaurant(1, "A   B"))
    assert isinstance(verdict, Accepted)
    assert [(change.kind, change.action) for change in verdict.changes] == [("restaurant", "delete")]
    assert hub.directory.restaurants == {}
