"""What is said of each fault of the input, to the letter: to a developer, and to a host where he can mend it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from restohub.floor.outcomes import MISUNDERSTOOD, Fault
from restohub.wire.batch_inputs import read_batch
from restohub.wire.inputs import checked_key, read_guest, read_restaurant, read_seating, read_table
from restohub.wire.person import read_person, wants_renewal
from restohub.wire.problems import Problem

Told = list[tuple[str, str, str]]
STATUSES = "waitlist, confirmed, running_late, partially_arrived, arrived, notified, "
STATUSES += "seated, finished, cancelled, no_show, left"
NOT_AN_OBJECT = "This must be an object of fields, not a list of 0."
A_NAME = "name must be a text of 1 to 100 characters, not blank"


def new_guest(data: Any) -> list[Fault]:
    return read_guest(data, creating=True)[-1]


def new_table(data: Any) -> list[Fault]:
    return read_table(data, creating=True)[-1]


def new_restaurant(data: Any) -> Any:
    return read_restaurant(data, lambda zone: zone == "UTC", "UTC")


def person(body: Any) -> Any:
    return read_person(body, bytes(32))


def key(text: Any) -> Any:
    return checked_key(text, "mutation_id")


@pytest.mark.parametrize(
    ("read", "given", "told"),
    [
        (
            new_guest,
            {},
            [
                ("/firstName", "A new guest needs a name or a firstName.", "A new guest needs a name."),
                (
                    "/partySize",
                    "A new guest needs a partySize: a whole number from 1 to 100.",
                    "A new guest needs a party size.",
                ),
            ],
        ),
        (new_guest, [], [("", NOT_AN_OBJECT, MISUNDERSTOOD)]),
        (
            new_guest,
            {"name": "Ada", "partySize": 0},
            [
                (
                    "/partySize",
                    "partySize must be a whole number from 1 to 100, not 0.",
                    "The party size must be a whole number from 1 to 100.",
                )
            ],
        ),
        (
            new_guest,
            {"name": "Ada", "partySize": 2, "status": "x"},
            [("/status", f"'x' is not a status that the hub knows. It knows: {STATUSES}.", MISUNDERSTOOD)],
        ),
        (
            new_table,
            {},
            [
                (
                    "/tableNumber",
                    "A new table needs a tableNumber: a text of 1 to 20 characters.",
                    "A new table needs a number.",
                ),
                (
                    "/capacity",
                    "A new table needs a capacity: a whole number from 1 to 100.",
                    "A new table needs a capacity.",
                ),
            ],
        ),
        (new_restaurant, {}, [("/name", "A new restaurant needs a name.", "A new restaurant needs a name.")]),
        (new_restaurant, {"name": " "}, [("/name", f"{A_NAME}, not ' '.", f"The {A_NAME}.")]),
        (
            new_restaurant,
            {"name": "x" * 101},
            [("/name", f"{A_NAME}, not a text of 101 characters.", f"The {A_NAME}.")],
        ),
        (read_seating, {}, [("/status", f"Send the new status: one of {STATUSES}.", MISUNDERSTOOD)]),
        (person, [], [("", "Send an object with phone, email or id.", MISUNDERSTOOD)]),
        (
            person,
            {"name": "Ada"},
            [
                ("/name", "name is unknown here.", MISUNDERSTOOD),
                ("", "Name the person by exactly one of phone, email and id.", MISUNDERSTOOD),
            ],
        ),
        (person, {"email": " "}, [("/email", "email must not be blank.", MISUNDERSTOOD)]),
        (wants_renewal, {"backups": "burn"}, [("/backups", "backups must be renew or keep.", MISUNDERSTOOD)]),
        (
            read_batch,
            {"operations": [], "guests": []},
            [("/operations", "Send operations, or guests and tables: not both.", MISUNDERSTOOD)],
        ),
        (read_batch, [], [("", "The body must be an object.", MISUNDERSTOOD)]),
        (key, "", [("/mutation_id", "mutation_id must be 1 to 200 printable ASCII characters.", MISUNDERSTOOD)]),
    ],
)
def test_each_fault_is_told_in_these_words(read: Callable[[Any], Any], given: Any, told: Told) -> None:
    try:
        faults = read(given)
    except Problem as problem:
        faults = problem.refused.faults
    assert [(one.pointer, one.hint, one.detail) for one in faults] == told
