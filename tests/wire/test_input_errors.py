"""The facts of what is said of faulty input: how much, and how much of the input is looked at."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from restohub.floor.outcomes import Fault, Refused, quoted
from restohub.wire.batch_inputs import ParsedEntry, named_restaurant, read_batch, read_queue
from restohub.wire.field_names import GUEST_STATUS_WORDS, escaped, spelling, word_of
from restohub.wire.field_rules import SAYS
from restohub.wire.inputs import (
    GuestInput,
    Reader,
    RestaurantInput,
    TableInput,
    read_guest,
    read_table,
    refuse,
)
from restohub.wire.problems import Problem, ProblemDocument, batch_document, document
from tests.contract.answers import TECHNICAL

MORE = "There are more than 100 faults: 100 are listed; fix those first."
BYTES_MAX = 64 * 1024
LONG = "k" * 100_000


class Looked(dict[str, Any]):
    """An object of the input that knows whether anybody looked at what is in it."""

    looked = False

    def items(self) -> Any:
        """What is in it."""
        self.looked = True
        return super().items()


def unknown(count: int, name: str = "k") -> dict[str, int]:
    return {f"{name}{n}": 0 for n in range(count)}


def told(problem: Problem) -> ProblemDocument:
    """The problem document, which must be short."""
    found = document(problem.refused, 0)
    assert len(msgspec.json.encode(found)) < BYTES_MAX
    return found


def refused_batch(items: tuple[ParsedEntry, ...]) -> ProblemDocument:
    """The problem document of a batch, which must be short."""
    refusals = tuple((index, item.wanted) for index, item in enumerate(items) if isinstance(item.wanted, Refused))
    found = batch_document(refusals, tuple(item.pointer for item in items), 0, "tx")
    assert len(msgspec.json.encode(found)) < BYTES_MAX
    return found


def operation(data: Any, action: str = "create") -> dict[str, Any]:
    return {"entity_type": "guest", "action": action, "entity_id": "g1", "data": data}


@pytest.mark.parametrize("count", [1, 2, 100, 101, 26_000])
@pytest.mark.parametrize("reading", [read_guest, read_table])
def test_at_most_100_faults_are_listed_and_more_are_mentioned(reading: Any, count: int) -> None:
    _, _, faults = reading(unknown(count))
    assert len(faults) == min(count, 101), "where there are more, nothing further is looked at"
    with pytest.raises(Problem) as caught:
        refuse(faults)
    found = told(caught.value)
    assert len(found.errors) == min(count, 100)
    assert found.hint.endswith(MORE) is (count > 100)
    assert (f" (and {count - 1} more)" in found.hint) is (1 < count <= 100)


def test_a_batch_lists_100_faults_of_all_its_operations_and_looks_no_further() -> None:
    datas = [Looked(name="Rossi", partySize=2, **unknown(3)) for _ in range(499)]
    items = read_batch({"operations": [operation({}), *map(operation, datas)]})
    found = refused_batch(items)
    assert len(found.errors) == 100
    assert found.hint.endswith(MORE)
    assert found.errors[0].operation == 0, "the problem is that of the first operation"
    assert [error.operation for error in found.errors] == sorted(error.operation for error in found.errors)  # type: ignore[type-var]  # None would fail the test
    assert len(items) == 34, "two faults, and three of each that follows"
    assert [data.looked for data in datas] == [True] * 33 + [False] * 466
    assert items[-1].pointer == "/operations/33"


def test_a_batch_of_100_faults_is_listed_whole() -> None:
    faulty = [operation({"name": "A", "partySize": 2, "k": 0}) for _ in range(100)]
    items = read_batch({"operations": [*faulty, operation({"name": "A", "partySize": 2})]})
    found = refused_batch(items)
    assert (len(items), len(found.errors)) == (101, 100), "the one after them is looked at"
    assert MORE not in found.hint


def test_the_older_form_looks_no_further_either() -> None:
    entries = [{"id": "g1", "operation": "update", "data": unknown(60)} for _ in range(250)]
    items = read_batch({"guests": entries, "tables": entries})
    assert [item.pointer for item in items] == ["/guests/0", "/guests/1"]
    assert len(refused_batch(items).errors) == 100


def test_each_update_of_a_queue_is_answered_however_many_are_faulty() -> None:
    items = list(read_queue({"updates": [operation(unknown(190), "update") for _ in range(500)]}))
    assert len(items) == 500
    for item in items:
        assert isinstance(item.wanted, Refused)
        assert len(item.wanted.hint) < 500
        assert item.wanted.hint.endswith("(and 100 more at least)")


@pytest.mark.parametrize("name", ["operations", "guests", "tables"])
@pytest.mark.parametrize("count", [0, 501, 5_000])
def test_how_many_entries_there_are_is_looked_at_before_what_they_are(name: str, count: int) -> None:
    entries = [Looked(unknown(3)) for _ in range(count)]
    with pytest.raises(Problem, match=f"got {count}"):
        read_batch({name: entries})
    assert not any(entry.looked for entry in entries)


def test_an_object_where_a_list_is_wanted_is_not_looked_into() -> None:
    entries = Looked(unknown(26_000))
    for reading, name in ((read_batch, "operations"), (read_queue, "updates")):
        with pytest.raises(Problem, match="got no list"):
            reading({name: entries})
    assert named_restaurant({"operations": entries}, None) == 1
    assert not entries.looked
    for data in ([0] * 10_000, "x" * 10_000, 5):
        assert len(read_guest(data)[2]) == 1


def test_restaurants_that_do_not_agree_are_listed_up_to_100() -> None:
    body = {"operations": [operation({"restaurant_id": n, "restaurantId": "x" * 9_999}) for n in range(1, 400)]}
    with pytest.raises(Problem) as caught:
        named_restaurant(body, 1)
    assert len(told(caught.value).errors) == 100
    assert named_restaurant({"updates": [{}] * 500 + [operation({"restaurant_id": 7})]}, None) == 1, "beyond 500"


def test_a_fault_repeats_40_characters_of_what_came() -> None:
    fields = {LONG: 0, "status": LONG, "phone": LONG, "tableId": LONG, "partySize": int("9" * 600)}
    _, _, faults = read_guest({"id": LONG, **fields}, creating=True)
    assert len(faults) >= 5
    for fault in faults:
        assert LONG[:50] not in fault.hint + fault.detail + fault.pointer
        assert len(fault.hint) < 500
    items = read_batch({"operations": [{**operation({"id": LONG}), "entity_id": LONG}, {LONG: LONG}]})
    for error in refused_batch(items).errors:
        assert LONG[:50] not in error.hint + error.detail + error.pointer


@pytest.mark.parametrize("character", ["\x01", "\U000e0001", "\\", "'", "~", "é"])
def test_what_is_quoted_stays_short_whatever_it_is_made_of(character: str) -> None:
    assert len(quoted(character * 100)) <= 44
    assert len(escaped(character * 100)) <= 80
    assert quoted("dietary") == "'dietary'"
    assert quoted(LONG) == f"'{LONG[:40]}…'"


def test_a_status_is_folded_where_it_can_be_one() -> None:
    assert word_of("No - Show", GUEST_STATUS_WORDS) == "no_show"
    assert word_of(f"seated{' ' * 94}", GUEST_STATUS_WORDS) == "seated"
    assert word_of(f"seated{' ' * 95}", GUEST_STATUS_WORDS) is None


def test_a_fault_of_the_floor_is_listed_among_those_of_reading() -> None:
    refusals = [(index, Refused("table_not_found", hint="There is none.")) for index in range(150)]
    found = batch_document(tuple(refusals), ("/operations/0",) * 150, 0, "tx")
    assert len(found.errors) == 100
    assert found.hint == f"There is none. {MORE}"
    assert document(Refused("validation_failed", faults=(Fault("", "No."),), hint="No."), 0).hint == "No."


@pytest.mark.parametrize("struct", [GuestInput, TableInput, RestaurantInput])
def test_every_field_of_an_input_has_its_sentence_and_a_host_can_read_it(struct: type[msgspec.Struct]) -> None:
    names = [field.encode_name for field in msgspec.structs.fields(struct)]
    assert [name for name in names if name not in SAYS] == [], "write them into SAYS of wire/field_rules.py"
    reader = Reader(struct, spelling(tuple(names), {}, ()), dict.fromkeys(names, object()))
    assert {fault.field for fault in reader.faults} >= {name for name in names if name not in ("id", "position")}
    assert [fault.detail for fault in reader.faults if TECHNICAL.search(fault.detail)] == []


def test_a_field_without_a_sentence_is_a_fault_all_the_same() -> None:
    class Later(msgspec.Struct, rename="camel"):
        table_shape: int | msgspec.UnsetType = msgspec.UNSET

    reader = Reader(Later, spelling(("tableShape",), {}, ()), {})
    reader.fault("tableShape")
    assert reader.faults[0].hint == "tableShape must be a value of another kind, not null."
