"""Whether the hub's structs have the fields and statuses that the contract lists, and no others."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Struct, structs

from restohub.build.reference.descriptions import GUEST_STATUS_MEANS, TABLE_STATUS_MEANS
from restohub.floor import commands, model
from restohub.floor.memory_size import growth, weight
from restohub.floor.model import Change
from restohub.live.feed import _weight
from restohub.wire import entities, field_names, inputs, request_schemas
from restohub.wire.field_names import camel
from tests import fields
from tests.store.test_round_trip import FULL_GUEST, FULL_TABLE

# Of each entity: the contract's fields, what goes out, what comes in, the command, what the floor keeps, an example.
GUEST = (fields.GUEST, entities.Guest, inputs.GuestInput, commands.GuestFields, model.Guest, FULL_GUEST)
TABLE = (fields.TABLE, entities.Table, inputs.TableInput, commands.TableFields, model.Table, FULL_TABLE)
both = pytest.mark.parametrize(
    ("listed", "out", "taken", "command", "kept", "full"), [GUEST, TABLE], ids=["guest", "table"]
)
# Said on the way in alone, made on the way out alone, and kept for the hub itself.
BESIDE, MADE, OWN = {"allowOverCapacity"}, {"name", "phase"}, {"createdRevision", "createdFrom", "served", "ended"}


def names(struct: type[Struct]) -> list[str]:
    """The fields of a struct in camelCase, in its order."""
    return [camel(field.name) for field in structs.fields(struct)]


@both
def test_what_goes_out_is_what_the_contract_lists(
    listed: dict[str, str], out: Any, taken: Any, command: Any, kept: Any, full: Any
) -> None:
    assert names(out) == list(listed), "list it in the contract, and in wire/entities.py"
    assert {*names(kept)} - OWN == listed.keys() - MADE, "floor/model.py keeps what goes out"


@both
def test_what_comes_in_is_what_the_contract_lists_but_for_what_is_read_only(
    listed: dict[str, str], out: Any, taken: Any, command: Any, kept: Any, full: Any
) -> None:
    settable = {*fields.taken(listed)} | BESIDE
    assert {*names(taken)} - {"id"} == settable, "take it in wire/inputs.py, or name it among the read-only fields"
    assert {*names(command)} == settable, "carry it in floor/commands.py"
    assert {*field_names.READ_ONLY, "id"} == {*fields.READ_ONLY}


@both
def test_every_field_is_shown_with_the_value_that_it_has(
    listed: dict[str, str], out: Any, taken: Any, command: Any, kept: Any, full: Any
) -> None:
    shown = msgspec.to_builtins(entities.entity_out(full))
    for name in listed.keys() - MADE - {*fields.of_type(listed, "time", "time or null")}:
        (value,) = [getattr(full, field.name) for field in structs.fields(kept) if camel(field.name) == name]
        assert shown[name] == msgspec.to_builtins(value), f"{name} is not passed on in wire/entities.py"


@both
def test_every_text_that_can_be_long_is_weighed(
    listed: dict[str, str], out: Any, taken: Any, command: Any, kept: Any, full: Any
) -> None:
    for field in structs.fields(kept):
        value = getattr(full, field.name)
        if camel(field.name) in {*fields.taken(listed)} - {"tableId", "currentGuestId", "status", "shape"}:
            longer = value * 50 if isinstance(value, str | tuple) else value
            heavy = structs.replace(full, **{field.name: longer})
            weighed = weight(heavy) > weight(full) and growth(full, heavy) > 0
            assert weighed is (longer != value), f"weigh {field.name} in floor/memory_size.py"


def test_every_long_text_of_a_guest_counts_in_the_ring_of_commits() -> None:
    plain = _weight(Change("guest", "g1", "update", FULL_GUEST))
    for field in structs.fields(inputs.GuestInput):
        value = getattr(FULL_GUEST, field.name, None)
        kinds = getattr(msgspec.inspect.type_info(field.type), "types", ())
        if any(getattr(kind, "max_length", 0) in (50, 2_000) for kind in kinds) and value is not None:
            heavy = structs.replace(FULL_GUEST, **{field.name: value * 50})
            assert _weight(Change("guest", "g1", "update", heavy)) > plain, f"count {field.name} in live/feed.py"


def test_a_restaurant_is_what_the_contract_lists() -> None:
    assert names(entities.Restaurant) == list(fields.RESTAURANT)
    settable = {*names(inputs.RestaurantInput)}
    assert settable == {*names(commands.RestaurantFields)} == {*names(request_schemas.NewRestaurant)}
    assert settable < fields.RESTAURANT.keys()


def test_the_statuses_are_those_of_the_contract_and_each_is_explained() -> None:
    assert model.PHASES == fields.PHASES, "say it in the row `phase` of the contract"
    assert list(model.TABLE_STATUSES) == fields.TABLE_STATUSES, "say it in the row `status` of the contract's table"
    assert list(model.SHAPES) == fields.SHAPES
    for statuses, means in (
        (model.GUEST_STATUSES, GUEST_STATUS_MEANS),
        (model.TABLE_STATUSES, TABLE_STATUS_MEANS),
    ):
        assert [status for status in statuses if not means.get(status)] == [], (
            "say what it means in build/reference/descriptions.py"
        )
        assert [status for status in means if status not in statuses] == [], "there is no such status any more"
    sentence = fields.CONTRACT.partition("\nGuest statuses: ")[2].partition("Input is folded")[0]
    assert {*fields.marked(sentence)} == model.PHASES.keys()
