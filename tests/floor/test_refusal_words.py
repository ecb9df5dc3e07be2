"""What is said of each refusal, to the letter: to a host, to a developer, and what an app's own sentence is made of."""

from __future__ import annotations

import pytest
from msgspec import UNSET, structs

from restohub.floor.model import Guest, Restaurant, Table
from restohub.floor.outcomes import (
    MISUNDERSTOOD,
    Fault,
    Occupied,
    Params,
    Refused,
    already_exists,
    answer_too_large,
    invalid,
    limit_reached,
    not_found,
    party_exceeds_capacity,
    quoted,
    rate_limited,
    restaurant_name_differs,
    restaurant_not_empty,
    restaurant_not_found,
    table_number_taken,
    table_occupied,
    table_unavailable,
    version_conflict,
    version_differs,
)

ADA = Guest(id="g1", first_name="Ada", last_name="Rossi", party_size=5, version=7)
TABLE = Table(id="t1", table_number="12", capacity=4, version=3)
TAKEN, HELD = structs.replace(TABLE, status="occupied"), structs.replace(TABLE, status="reserved")
PLACE = Restaurant(id="1", name="Trattoria", timezone="Europe/Rome")
LOOK = "Look again before you change it."
AT_7 = "It is at version 7 now, not at the one that was expected. Show `current`, and send again what is wanted."
AT_3 = AT_7.replace("7", "3")
GONE = "This restaurant has no guest with the id 'g1'. Take the full sync."
NO_GUEST = "This guest was removed, or never was here."
NO_TABLE = "This restaurant has no table with the id 't9'. Take the full sync."
ADDED = "There is a guest with the id 'g1' already. Choose another id."
ADDED_AND_GONE = (
    "There is a table with the id 't1' already, and a deleted one's id is not given again. Choose another id."
)
NUMBER = "There is a table 12 already. Choose another number."
HAS_NUMBER = "The table with the id 't1' has this number: send another tableNumber."
CALLED = "This restaurant is called Trattoria, not 'Bistro'. Nothing was deleted."
AS_IT_HAS = "Send `name` as restaurant 1 has it, or make sure that it is this one that is to go."
LISTED = "`GET /restaurants` lists those that it has."
STILL_HAS = "Trattoria still has {}. Delete those first."
AT_12 = Params(table="12")
OF_ADA = Params(table="12", guest="Ada Rossi", party=5, held=False)
TOO_LARGE = "The guests and tables of this batch are too much for one answer. Split the batch."


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        (
            not_found("guest", "g1"),
            Refused("guest_not_found", NO_GUEST, hint=GONE, params=Params(entity_id="g1")),
        ),
        (
            not_found("table", "t9", "tableId"),
            Refused(
                "table_not_found",
                "This table was removed, or never was here.",
                (Fault("/tableId", NO_TABLE, "This table was removed, or never was here.", "tableId"),),
                hint=NO_TABLE,
                params=Params(entity_id="t9"),
            ),
        ),
        (
            invalid("status", "Send another.", "Not so."),
            Refused(
                "validation_failed",
                "Not so.",
                (Fault("/status", "Send another.", "Not so.", "status"),),
                hint="Send another.",
                params=Params(field="status"),
            ),
        ),
        (
            already_exists("guest", "g1", ADA),
            Refused(
                "already_exists",
                "This guest was added before.",
                (Fault("/id", ADDED, "This guest was added before.", "id"),),
                ADA,
                hint=ADDED,
                params=Params(entity_type="guest", entity_id="g1"),
            ),
        ),
        (
            already_exists("table", "t1", None),
            Refused(
                "already_exists",
                "This table was added before.",
                (Fault("/id", ADDED_AND_GONE, "This table was added before.", "id"),),
                hint=ADDED_AND_GONE,
                params=Params(entity_type="table", entity_id="t1"),
            ),
        ),
        (
            version_conflict(ADA),
            Refused(
                "version_conflict",
                f"Ada Rossi was changed by someone else meanwhile. {LOOK}",
                current=ADA,
                hint=AT_7,
                params=Params(entity_type="guest", name="Ada Rossi"),
            ),
        ),
        (
            version_differs(ADA, TABLE),
            Refused(
                "version_conflict",
                f"Table 12 was changed by someone else meanwhile. {LOOK}",
                current=TABLE,
                hint=AT_3,
                params=Params(entity_type="table", name="12"),
            ),
        ),
        (
            version_differs(TABLE, None),
            Refused(
                "version_conflict",
                f"Table 12 was changed by someone else meanwhile. {LOOK}",
                hint="It is made in this very batch, so it had no version before.",
                params=Params(entity_type="table", name="12"),
            ),
        ),
        (
            table_occupied(TAKEN, ADA),
            Refused(
                "table_occupied",
                "Table 12 is taken by Ada Rossi (party of 5).",
                current=Occupied(TAKEN, ADA),
                params=OF_ADA,
            ),
        ),
        (
            table_occupied(HELD, ADA, " Free it first."),
            Refused(
                "table_occupied",
                "Table 12 is held for Ada Rossi (party of 5). Free it first.",
                current=Occupied(HELD, ADA),
                params=structs.replace(OF_ADA, held=True),
            ),
        ),
        (
            table_occupied(TAKEN, None),
            Refused(
                "table_occupied",
                "Table 12 is taken by someone.",
                current=Occupied(TAKEN, None),
                params=Params(table="12", guest=None, party=None, held=False),
            ),
        ),
        (
            table_unavailable(TABLE),
            Refused("table_unavailable", "Table 12 is out of service.", current=TABLE, params=AT_12),
        ),
        (
            party_exceeds_capacity(TABLE, 4, ADA),
            Refused(
                "party_exceeds_capacity",
                "Table 12 seats 4, Ada Rossi is a party of 5.",
                current=TABLE,
                params=structs.replace(OF_ADA, held=UNSET, capacity=4),
            ),
        ),
        (
            table_number_taken(TABLE),
            Refused(
                "table_number_taken",
                NUMBER,
                (Fault("/tableNumber", HAS_NUMBER, NUMBER, "tableNumber"),),
                TABLE,
                hint=HAS_NUMBER,
                params=AT_12,
            ),
        ),
        (
            limit_reached("guests", 7, 8, "Too many.", "Delete one."),
            Refused(
                "limit_reached", "Too many.", hint="Delete one.", params=Params(counted="guests", count=7, limit=8)
            ),
        ),
        (
            rate_limited("Wait.", 3, "Ask for less."),
            Refused("rate_limited", "Wait.", wait_s=3, hint="Ask for less.", params=Params(seconds=3)),
        ),
        (answer_too_large(), Refused("body_too_large", hint=TOO_LARGE)),
        (
            restaurant_not_found(9),
            Refused(
                "restaurant_not_found",
                hint=f"This hub has no restaurant 9. {LISTED}",
                params=Params(restaurant_id=9),
            ),
        ),
        (
            restaurant_not_found("nine"),
            Refused(
                "restaurant_not_found",
                hint=f"This hub has no restaurant 'nine'. {LISTED}",
                params=Params(restaurant_id=None),
            ),
        ),
        (
            restaurant_not_empty(PLACE, 1, 1_200),
            Refused(
                "restaurant_not_empty",
                STILL_HAS.format("1 guest and 1,200 tables"),
                current=PLACE,
                params=Params(restaurant="Trattoria", guests=1, tables=1_200),
            ),
        ),
        (
            restaurant_not_empty(PLACE, 0, 1),
            Refused(
                "restaurant_not_empty",
                STILL_HAS.format("0 guests and 1 table"),
                current=PLACE,
                params=Params(restaurant="Trattoria", guests=0, tables=1),
            ),
        ),
        (
            restaurant_name_differs(PLACE, "Bistro"),
            Refused(
                "restaurant_name_differs",
                CALLED,
                (Fault("?name", AS_IT_HAS, CALLED),),
                PLACE,
                hint=AS_IT_HAS,
                params=Params(restaurant="Trattoria"),
            ),
        ),
    ],
)
def test_each_refusal_is_told_in_these_words(refused: Refused, told: Refused) -> None:
    assert refused == told


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("g" * 40, f"'{'g' * 40}'"),
        ("g" * 41, f"'{'g' * 40}…'"),
        ("\x01" * 20, f"'{chr(92)}x01" + f"{chr(92)}x01" * 9 + "…'"),
    ],
)
def test_of_what_was_sent_the_beginning_is_told(sent: str, shown: str) -> None:
    assert quoted(sent) == shown


def test_what_only_an_app_can_have_done_wrong_is_told_to_a_host_in_one_sentence() -> None:
    assert Fault("/tags", "tags must be a list.").detail == MISUNDERSTOOD
    assert MISUNDERSTOOD == "The app sent something that this hub does not understand."
