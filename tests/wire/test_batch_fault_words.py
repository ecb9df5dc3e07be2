"""What is said of each fault of a batch or an off-line queue, to the letter; a host is told one sentence for all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from restohub.floor.outcomes import MISUNDERSTOOD, Fault, Refused
from restohub.wire.batch_inputs import ParsedEntry, applied_before, named_restaurant, read_batch, read_queue
from restohub.wire.problems import Problem

ONE = {"entity_type": "guest", "entity_id": "g1", "data": {}}


def of_operation(**fields: Any) -> list[Fault]:
    return faults_of(read_batch({"operations": [ONE | {"action": "update"} | fields]}))


def of_older(**fields: Any) -> list[Fault]:
    return faults_of(read_batch({"guests": [{"operation": "update", "id": "g1", "data": {}} | fields]}))


def of_queued(**fields: Any) -> list[Fault]:
    return faults_of(read_queue({"updates": [ONE | fields]}))


def of_body(read: Callable[..., Any], *more: Any, **body: Any) -> list[Fault]:
    with pytest.raises(Problem) as raised:
        read(body, *more)
    assert raised.value.refused.code == "validation_failed"
    return list(raised.value.refused.faults)


def faults_of(entries: Iterable[ParsedEntry]) -> list[Fault]:
    (entry,) = entries
    assert isinstance(entry.wanted, Refused)
    assert entry.wanted.code == "validation_failed"
    return list(entry.wanted.faults)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (lambda: of_operation(entity_type="chair"), ("/entity_type", 'entity_type must be "guest" or "table".')),
        (lambda: of_operation(action="seat"), ("/action", "action must be one of create, update, delete.")),
        (lambda: of_operation(entity_id=7), ("/entity_id", "entity_id must be a text.")),
        (
            lambda: of_operation(entity_id="a b", action="create", data={"name": "Ada", "partySize": 2}),
            ("/entity_id", "entity_id must be 1 to 64 of A-Z a-z 0-9 . _ - and not dots alone."),
        ),
        (lambda: of_operation(entity_id=""), ("/entity_id", "entity_id must say which one: it is missing.")),
        (
            lambda: of_operation(action="create", data={"name": "Ada", "partySize": 2, "id": "g2"}),
            ("/data/id", "data.id is 'g2', entity_id is 'g1': they must agree."),
        ),
        (
            lambda: of_operation(action="create", data={"name": "Ada", "partySize": 2}, if_match=1),
            ("/if_match", "if_match is for what is there already: a create has none."),
        ),
        (
            lambda: of_operation(if_match=0),
            ("/if_match", "if_match must be the version that the client saw: a whole number from 1 on."),
        ),
        (lambda: of_older(operation="seat"), ("/action", "action must be one of create, update, delete.")),
        (
            lambda: of_queued(mutation_id=""),
            ("/mutation_id", "mutation_id must be a text of 1 to 200 characters."),
        ),
        (
            lambda: of_queued(base_version=-1),
            ("/base_version", "base_version must be the version that the client had: a whole number."),
        ),
        (
            lambda: of_body(applied_before, updates=[ONE], applied_mutation_ids=["m1", ""]),
            (
                "/applied_mutation_ids",
                "applied_mutation_ids must be a list of at most 2,000 texts of 1 to 200 characters.",
            ),
        ),
        (lambda: of_body(read_batch), ("/operations", "operations must be a list of 1 to 500; got 0.")),
        (
            lambda: of_body(read_batch, operations=[ONE] * 501),
            ("/operations", "operations must be a list of 1 to 500; got 501."),
        ),
        (
            lambda: of_body(read_batch, tables={}),
            ("/tables", "tables must be a list of 0 to 500; got no list."),
        ),
        (lambda: of_body(read_queue), ("/updates", "updates must be a list of 1 to 500; got none.")),
        (
            lambda: of_body(named_restaurant, None, restaurant_id="one"),
            ("/restaurant_id", "restaurant_id must be a whole number from 1 to 9007199254740991."),
        ),
        (
            lambda: of_body(named_restaurant, None, restaurant_id=1, operations=[{"data": {"restaurantId": 2}}]),
            (
                "/operations/0/data/restaurantId",
                "This names restaurant 2, /restaurant_id names 1: a batch is for one restaurant.",
            ),
        ),
    ],
)
def test_each_fault_of_a_batch_or_a_queue_is_told_in_these_words(
    found: Callable[[], list[Fault]], told: tuple[str, str]
) -> None:
    assert [(one.pointer, one.hint, one.detail) for one in found()] == [(*told, MISUNDERSTOOD)]


@pytest.mark.parametrize(
    ("read", "name", "hint"),
    [
        (read_batch, "operations", "An operation must be an object."),
        (read_batch, "tables", "An operation must be an object."),
        (read_queue, "updates", "An update must be an object."),
    ],
)
def test_an_entry_that_is_no_object_is_told_so(read: Callable[[Any], Any], name: str, hint: str) -> None:
    assert faults_of(read({name: [7]})) == [Fault("", hint)]
