"""Inputs: one struct for each object that a client may send, and how it becomes a floor's fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from restohub.floor.commands import GuestFields, RestaurantFields, TableFields
from restohub.floor.contacts import split_name
from restohub.floor.model import Hours
from restohub.floor.model import Position as FloorPosition
from restohub.floor.outcomes import MISUNDERSTOOD, Fault, Params, Refused, quoted
from restohub.floor.text_folding import is_blank
from restohub.limits import FAULTS_MAX

from .entities import Time
from .field_names import (
    GUEST_STATUS_WORDS,
    OLDER_GUEST,
    OLDER_TABLE,
    READ_ONLY,
    SHAPE_WORDS,
    TABLE_STATUS_WORDS,
    Spelling,
    snake,
    spelling,
    word_of,
)
from .field_rules import SAYS, SAYS_OF_A_RESTAURANT, TIMES, TYPED, WRONG
from .problems import Problem
from .times import read_time

INTEGER_MAX = 2**53 - 1
ID = re.compile(r"(?!\.+\Z)[A-Za-z0-9._-]{1,64}", re.ASCII)
KEY = re.compile(r"[\x20-\x7e]{1,200}")

Name = Annotated[str, Meta(max_length=100)]
Text = Annotated[str, Meta(max_length=2000)]
Words = Annotated[list[Annotated[str, Meta(max_length=100)]], Meta(max_length=50)]
Count = Annotated[int, Meta(ge=1, le=100)]
# The pattern is for the document alone: Python's `$` would let a final newline through, so `ID` is what checks.
ID_PATTERN = {"pattern": "^[A-Za-z0-9._-]*[A-Za-z0-9_-][A-Za-z0-9._-]*$"}
Id = Annotated[str, Meta(min_length=1, max_length=64, extra_json_schema=ID_PATTERN)]
Coordinate = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)] | Annotated[float, Meta(ge=-1_000_000, le=1_000_000)]
Nullable = UnsetType | None
PARTY_SIZE = re.compile(r"[1-9][0-9]?|100", re.ASCII)
TurnMinutes = Annotated[
    dict[
        Annotated[str, Meta(extra_json_schema={"pattern": "^([1-9][0-9]?|100)$"})],
        Annotated[int, Meta(ge=1, le=1440)],
    ],
    Meta(max_length=100, examples=[{"2": 75, "4": 90}]),
]
# RFC 5646, section 2.1: language, script, region, variants and extensions, without the oldest forms.
LANGUAGE_TAG = re.compile(
    r"[a-z]{2,3}(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(-[0-9a-wyz](-[a-z0-9]{2,8})+)*",
    re.ASCII | re.IGNORECASE,
)


class GuestInput(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The fields of a guest. In a change each is optional; what is not sent stays, `null` clears what may be null.

    Each name is taken in snake_case too, and the older `guestName`, `phoneNumber`, `assignedTableId`, `arrivalTime`.
    """

    id: Id | Nullable = UNSET
    name: Annotated[str, Meta(max_length=201)] | UnsetType = UNSET
    first_name: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    last_name: Name | UnsetType = UNSET
    party_size: Count | UnsetType = UNSET
    status: Annotated[str, Meta(examples=["seated", "No Show"])] | UnsetType = UNSET
    table_id: str | Nullable = UNSET
    allow_over_capacity: bool | UnsetType = UNSET
    phone: Annotated[str, Meta(max_length=40)] | Nullable = UNSET
    email: Annotated[str, Meta(max_length=254)] | Nullable = UNSET
    notes: Text | Nullable = UNSET
    special_requests: Text | Nullable = UNSET
    dietary_restrictions: Words | UnsetType = UNSET
    tags: Words | UnsetType = UNSET
    is_walk_in: bool | UnsetType = UNSET
    quoted_wait: Annotated[int, Meta(ge=0, le=1440)] | Nullable = UNSET
    reservation_time: Time | Nullable = UNSET
    check_in_time: Time | Nullable = UNSET
    seated_time: Time | Nullable = UNSET
    finished_time: Time | Nullable = UNSET
    notified_time: Time | Nullable = UNSET
    arrived_count: Annotated[int, Meta(ge=0, le=100)] | Nullable = UNSET


class PositionInput(Struct, forbid_unknown_fields=True):
    """Where a table stands: the app uses 0 … 1 of the floor's width and height."""

    x: Coordinate
    y: Coordinate


class TableInput(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The fields of a table. In a change each is optional; what is not sent stays, `null` clears what may be null.

    Each name is taken in snake_case too, and the older `number` (integer or string) for `tableNumber`.
    """

    id: Id | Nullable = UNSET
    table_number: Annotated[str, Meta(max_length=1000)] | UnsetType = UNSET
    capacity: Count | UnsetType = UNSET
    min_capacity: Count | UnsetType = UNSET
    status: Annotated[str, Meta(examples=["available", "needs_cleaning"])] | UnsetType = UNSET
    position: PositionInput | UnsetType = UNSET
    shape: Annotated[str, Meta(examples=["round"])] | UnsetType = UNSET
    rotation: Coordinate | UnsetType = UNSET
    section: Name | Nullable = UNSET
    server: Name | Nullable = UNSET
    notes: Text | Nullable = UNSET
    current_guest_id: str | Nullable = UNSET
    allow_over_capacity: bool | UnsetType = UNSET


class RestaurantInput(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The fields of a restaurant; `timezone` is an IANA zone, by default that of the hub's machine.

    Each name is taken in snake_case too.
    """

    name: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    timezone: Annotated[str, Meta(max_length=100, examples=["Europe/Rome"])] | UnsetType = UNSET
    turn_minutes: TurnMinutes | Nullable = UNSET
    locale: Annotated[str, Meta(max_length=35, examples=["it-IT"])] | Nullable = UNSET
    hours: Hours | Nullable = UNSET


def _called(name: str) -> str:
    """A field as people call it."""
    return snake(name).replace("_", " ")


def _names(struct: type[Struct]) -> tuple[str, ...]:
    return tuple(field.encode_name for field in msgspec.structs.fields(struct))


GUEST = spelling(_names(GuestInput), OLDER_GUEST, READ_ONLY)
TABLE = spelling(_names(TableInput), OLDER_TABLE, READ_ONLY)
RESTAURANT = spelling(_names(RestaurantInput), {}, ("id", "revision", *READ_ONLY))
SEATING = spelling(("status", "tableId", "allowOverCapacity"), {"assignedTableId": "tableId"}, ("id", *READ_ONLY))

_TYPES: dict[type[Struct], dict[str, Any]] = {
    struct: {field.encode_name: field.type for field in msgspec.structs.fields(struct)}
    for struct in (GuestInput, TableInput, RestaurantInput)
}
_CLEARABLE: dict[type[Struct], frozenset[str]] = {
    struct: frozenset(
        name for name, kind in types.items() if type(None) in getattr(kind, "__args__", ()) and name != "id"
    )
    for struct, types in _TYPES.items()
}


class Reader:
    """The reading of one object: what was sent by camelCase name, and every fault found on the way."""

    def __init__(self, struct: type[Struct], names: Spelling, data: Any, pointer: str = "") -> None:
        self.pointer = pointer
        self.values: dict[str, Any] = {}
        self.spelled: dict[str, str] = {}
        self.faults: list[Fault] = []
        self._says = SAYS_OF_A_RESTAURANT if struct is RestaurantInput else SAYS
        if not isinstance(data, dict):
            self.faults.append(Fault(pointer, f"This must be an object of fields, not {_kind(data)}."))
            self.spelled = dict.fromkeys(_SNAKE, "")  # nothing more is missed
            return
        self.values, self.spelled, self.faults = names.fold(data, pointer)
        if self.spelled.get("tableNumber") == "number" and type(self.values["tableNumber"]) is int:
            self.values["tableNumber"] = str(self.values["tableNumber"])
        for name, value in self.values.items():
            if value == "" and name in _CLEARABLE[struct]:
                self.values[name] = None
        try:
            msgspec.convert(self.values, struct)
        except msgspec.ValidationError:
            for name, kind in _TYPES[struct].items():
                self._check(name, kind)
        if self.values.get("id") is not None and not ID.fullmatch(self.values["id"]):
            self.fault("id")

    def _check(self, name: str, kind: Any) -> None:
        if name in self.values:
            try:
                msgspec.convert(self.values[name], kind)
            except msgspec.ValidationError:
                self.fault(name)

    def fault(self, name: str, hint: str | None = None) -> None:
        """Note that a field is not valid, and take it out of the values."""
        spelled = self.spelled.get(name, name)
        value = self.values.pop(name, None)
        rule = self._says.get(name, WRONG)
        if hint is None:
            hint = f"{spelled} {rule}, not {_kind(value)}."
        detail = f"The {_called(name)} {rule.removesuffix(', or null')}." if name in TYPED else MISUNDERSTOOD
        self.faults.append(Fault(f"{self.pointer}/{spelled}", hint, detail, name))

    def need(self, name: str, hint: str, detail: str = MISUNDERSTOOD) -> None:
        """Note a fault where a field that must be there is not."""
        if name not in self.spelled:
            self.faults.append(Fault(f"{self.pointer}/{name}", hint, detail, name))

    def word(self, name: str, words: dict[str, str]) -> None:
        """Fold a word of a closed vocabulary to its proper spelling."""
        if name in self.values:
            word = word_of(self.values[name], words)
            if word is None:
                known = ", ".join(dict.fromkeys(words.values()))
                self.fault(name, f"{quoted(self.values[name])} is not a {name} that the hub knows. It knows: {known}.")
            else:
                self.values[name] = word

    def times(self) -> None:
        """Read the times to whole UTC seconds."""
        for name in TIMES:
            if self.values.get(name) is not None:
                seconds = read_time(self.values[name])
                if seconds is None:
                    self.fault(name)
                else:
                    self.values[name] = seconds

    def fields(self, struct: type[Any]) -> Any:
        """The values as a floor's fields."""
        return struct(**{_SNAKE[name]: value for name, value in self.values.items() if name != "id"})

    def id(self) -> str | None:
        """The id that the client chose, or None."""
        return self.values.get("id")


_SNAKE = {name: snake(name) for types in _TYPES.values() for name in types}


def read_guest(data: Any, pointer: str = "", *, creating: bool = False) -> tuple[str | None, GuestFields, list[Fault]]:
    """The id that was chosen, the fields, and every fault of a guest's JSON object."""
    reader = Reader(GuestInput, GUEST, _less_id(data, creating=creating), pointer)
    values = reader.values
    for name in ("name", "firstName"):
        if name in values and is_blank(values[name]):
            reader.fault(name)
    if "name" in values and any(len(part) > 100 for part in split_name(values["name"])):
        reader.fault("name")
    reader.word("status", GUEST_STATUS_WORDS)
    if not values.keys().isdisjoint(TIMES):
        reader.times()
    for name in ("dietaryRestrictions", "tags"):
        if name in values:
            values[name] = tuple(values[name])
    if creating:
        if not reader.spelled.keys() & {"name", "firstName"}:
            reader.need("firstName", "A new guest needs a name or a firstName.", "A new guest needs a name.")
        hint = "A new guest needs a partySize: a whole number from 1 to 100."
        reader.need("partySize", hint, "A new guest needs a party size.")
    faults = reader.faults
    return reader.id(), GuestFields() if faults else reader.fields(GuestFields), faults


def read_table(data: Any, pointer: str = "", *, creating: bool = False) -> tuple[str | None, TableFields, list[Fault]]:
    """The id that was chosen, the fields, and every fault of a table's JSON object."""
    reader = Reader(TableInput, TABLE, _less_id(data, creating=creating), pointer)
    values = reader.values
    if "tableNumber" in values:
        values["tableNumber"] = values["tableNumber"].strip()
        if len(values["tableNumber"]) > 20 or is_blank(values["tableNumber"]):
            reader.fault("tableNumber")
    reader.word("status", TABLE_STATUS_WORDS)
    reader.word("shape", SHAPE_WORDS)
    if "position" in values:
        values["position"] = FloorPosition(values["position"]["x"], values["position"]["y"])
    if creating:
        hint = "A new table needs a tableNumber: a text of 1 to 20 characters."
        reader.need("tableNumber", hint, "A new table needs a number.")
        hint = "A new table needs a capacity: a whole number from 1 to 100."
        reader.need("capacity", hint, "A new table needs a capacity.")
        if values.get("minCapacity", 1) > values.get("capacity", 100):
            reader.fault("minCapacity")
    faults = reader.faults
    return reader.id(), TableFields() if faults else reader.fields(TableFields), faults


def read_restaurant(data: Any, knows_zone: Callable[[str], bool], default_zone: str | None) -> RestaurantFields:
    """The fields of a restaurant; a `default_zone` says that it is a new one. Raises Problem `validation_failed`."""
    reader = Reader(RestaurantInput, RESTAURANT, data)
    if "name" in reader.values and is_blank(reader.values["name"]):
        reader.fault("name")
    if "timezone" in reader.values and not knows_zone(reader.values["timezone"]):
        reader.fault("timezone")
    if not all(map(PARTY_SIZE.fullmatch, reader.values.get("turnMinutes") or ())):
        reader.fault("turnMinutes")
    if not LANGUAGE_TAG.fullmatch(reader.values.get("locale") or "en"):
        reader.fault("locale")
    if default_zone is not None:
        reader.need("name", "A new restaurant needs a name.", "A new restaurant needs a name.")
        reader.values.setdefault("timezone", default_zone)
    refuse(reader.faults)
    fields: RestaurantFields = reader.fields(RestaurantFields)
    return fields


def read_seating(data: Any) -> GuestFields:
    """The body of `status/atomic`. Raises Problem `validation_failed`."""
    reader = Reader(GuestInput, SEATING, data)
    reader.word("status", GUEST_STATUS_WORDS)
    reader.need("status", "Send the new status: one of " + ", ".join(dict.fromkeys(GUEST_STATUS_WORDS.values())) + ".")
    refuse(reader.faults)
    fields: GuestFields = reader.fields(GuestFields)
    return fields


def refuse(faults: list[Fault]) -> None:
    """Raise Problem `validation_failed` with every fault, if there is one."""
    if faults:
        raise Problem(malformed(faults))


def malformed(faults: list[Fault]) -> Refused:
    """The refusal of an input with these faults: it names the first that a host can fix, else the first."""
    first = next((one for one in faults if one.detail != MISUNDERSTOOD), faults[0])
    others = min(len(faults) - 1, FAULTS_MAX)
    least = " at least" if len(faults) > FAULTS_MAX else ""
    hint = first.hint + (f" (and {others} more{least})" if others else "")
    return Refused("validation_failed", first.detail, tuple(faults), hint=hint, params=Params(field=first.field))


def seen_version(data: Any) -> int | None:
    """The `version` that a client sent along with an entity: what it had read."""
    version = data.get("version") if isinstance(data, dict) else None
    return version if type(version) is int and 1 <= version <= INTEGER_MAX else None


def checked_key(key: str, name: str) -> str:
    """An idempotency key that fits a header; raises Problem `validation_failed`."""
    if not KEY.fullmatch(key):
        hint = f"{name} must be 1 to 200 printable ASCII characters."
        refuse([Fault("" if "-" in name else f"/{name}", hint)])
    return key


def _less_id(data: Any, *, creating: bool) -> Any:
    """An update's own id is read-only: the path or the envelope names the entity."""
    if creating or not isinstance(data, dict):
        return data
    return {key: value for key, value in data.items() if key != "id"}


def _kind(value: Any) -> str:
    """What came, in a few words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str() if len(value) <= 40:
            return quoted(value)
        case str():
            return f"a text of {len(value)} characters"
        case int() | float():
            return str(value)[:40]
        case list():
            return f"a list of {len(value)}"
        case _:
            return "an object"
