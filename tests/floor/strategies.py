"""What Hypothesis may wish of a floor: fields, wishes for one entity, and whole entities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, TypeVar, cast, get_args

from hypothesis import strategies as st
from msgspec import Struct, UnsetType, structs

from restohub.floor.commands import EntityKind, Fields, GuestFields, TableFields
from restohub.floor.model import GUEST_STATUSES, SHAPES, TABLE_STATUSES, Guest, Position, Table
from restohub.floor.outcomes import Refused
from restohub.floor.visits import Served

# Names of entities that only a floor can resolve: the n-th that is there, the newest, one that is made now.
NEW, NEWEST = "+new", "+newest"
PRESENT = tuple(f"#{n}" for n in range(5))
LEAST_TIME, MOST_TIME = -2_208_988_800, 253_370_764_799  # 1900-01-01 and the end of 9998

WishedAction = Literal["create", "update", "delete"]


class Wish(Struct, frozen=True, kw_only=True):
    """What a client wants of one entity. `id`, and the ids in `fields`, may be names that the floor resolves.

    `seen`, `base` and `matched` say how many versions back it looks, None where it does not say at all; `fresh` is
    whether what history knows of its contacts is as new as the floor.
    """

    kind: EntityKind
    action: WishedAction
    id: str
    fields: Fields
    seen: int | None = None
    base: int | None = None
    matched: int | None = None
    fresh: bool = True


class Closing(Struct, frozen=True):
    """A day to close: for which guests, and how long they must have been done (seconds)."""

    names: frozenset[str]
    age_s: int


MALFORMED = Refused("validation_failed", "This was no operation.")
Deed = Wish | tuple[Wish | Refused, ...] | Closing
SOME_ID = (*PRESENT, *PRESENT, NEWEST, "nobody")
TIMES = (None, 1_700_000_000, 1_700_000_300, 1_800_000_000)
WORDS = ((), ("nuts",), ("nuts", "gluten"))
COORDINATES = (0.0, 0.2, 1, -3)

NULL = type(None)
# Some values of a field by what it may be, for those of which nothing more is said.
PLAIN: dict[frozenset[Any], tuple[Any, ...]] = {
    frozenset((str, NULL)): (None, "window", "no window"),
    frozenset((tuple[str, ...],)): WORDS,
    frozenset((bool,)): (True, False),
    frozenset((int, NULL)): TIMES,
}


def values_of(struct: type[Struct], **own: tuple[Any, ...]) -> dict[str, tuple[Any, ...]]:
    """Values for every field of a command: those given, else by its type."""
    found = {}
    for field in structs.fields(struct):
        kinds = frozenset(get_args(field.type)) - {UnsetType} or frozenset((field.type,))
        found[field.name] = own[field.name] if field.name in own else PLAIN[kinds]
    return found


GUEST_VALUES = values_of(
    GuestFields,
    name=("Ada Rossi", "Ben", "Ada van Dyk"),
    first_name=("Ada", "Ben"),
    last_name=("", "Rossi"),
    party_size=(1, 2, 3, 4, 5, 6),
    status=(*GUEST_STATUSES, "seated", "finished"),
    table_id=(None, *SOME_ID),
    phone=(None, "+39 1", "391", "2"),
    email=(None, "A@b", "a@B", "c@d"),
    quoted_wait=(None, 0, 20),
)
TABLE_VALUES = values_of(
    TableFields,
    table_number=("1", "2", "3", "4", "5", "Bar", "bar", "BAR"),
    capacity=(1, 2, 3, 4, 5, 6),
    min_capacity=(1, 2, 3),
    status=TABLE_STATUSES,
    position=tuple(Position(x, y) for x in COORDINATES for y in COORDINATES),
    shape=SHAPES,
    rotation=(0, 45, 12.5),
    current_guest_id=(None, *SOME_ID),
)
# What a host does most: seat, hold, clear.
GUEST_MOSTLY = ("status", "table_id", "status", "table_id", "phone", *GUEST_VALUES)
TABLE_MOSTLY = ("status", "current_guest_id", "capacity", *TABLE_VALUES)
BACK = (None, None, 0, 1, 2)
SELDOM_BACK = (None, None, None, None, None, None, 0, 0, 1)
ACTIONS: tuple[WishedAction, ...] = ("update",) * 8 + ("create",) * 2 + ("delete",)
NAMES_OF_NEW = (*(NEW,) * 8, NEWEST, "#0", "once")

T = TypeVar("T")


class Pick(Protocol):
    """The choice of one among several: by Hypothesis, which can shrink it, or by a seeded Random, which is quick."""

    def __call__(self, options: Sequence[T], /) -> T:
        """One of these."""


def guest_fields(pick: Pick, *, new: bool = False) -> GuestFields:
    """Some fields of a guest; a new one has what it needs."""
    names = ["party_size", "first_name"] if new else [pick(GUEST_MOSTLY)]
    names += [pick(GUEST_MOSTLY) for _ in range(pick((0, 1, 2, 3)))]
    return GuestFields(**{name: pick(GUEST_VALUES[name]) for name in dict.fromkeys(names)})


def table_fields(pick: Pick, *, new: bool = False) -> TableFields:
    """Some fields of a table; a new one has what it needs."""
    names = ["table_number", "capacity"] if new else [pick(TABLE_MOSTLY)]
    names += [pick(TABLE_MOSTLY) for _ in range(pick((0, 1, 2)))]
    values = {name: pick(TABLE_VALUES[name]) for name in dict.fromkeys(names)}
    if new:  # as the reading of a request insists on
        values["capacity"] = max(values["capacity"], values.get("min_capacity", 1))
    return TableFields(**values)


def some_wish(pick: Pick) -> Wish:
    """Any wish."""
    kind: EntityKind = pick(("guest", "table"))
    action, fresh = pick(ACTIONS), pick((True, False))
    new = action == "create"
    fields = guest_fields(pick, new=new) if kind == "guest" else table_fields(pick, new=new)
    if new:
        return Wish(kind=kind, action=action, id=pick(NAMES_OF_NEW), fields=fields, fresh=fresh)
    seen, base, matched = pick(BACK), pick(SELDOM_BACK), pick(SELDOM_BACK)
    return Wish(
        kind=kind, action=action, id=pick(SOME_ID), fields=fields, seen=seen, base=base, matched=matched, fresh=fresh
    )


def some_deed(pick: Pick) -> Deed:
    """One wish, a batch of them (one may be malformed), or the close of a day."""
    match pick(("wish", "wish", "wish", "wish", "wish", "wish", "batch", "batch", "spoilt", "close")):
        case "wish":
            return some_wish(pick)
        case "batch":
            return tuple(some_wish(pick) for _ in range(pick((1, 2, 2, 3, 5))))
        case "spoilt":
            return (some_wish(pick), MALFORMED, some_wish(pick))
        case _:
            return Closing(frozenset(pick(PRESENT) for _ in range(4)), pick((0, 0, 600, 5000)))


def plain_wish(pick: Pick) -> Wish:
    """A wish that depends on no version: in a batch and by itself it means the same."""
    wish = some_wish(pick)
    return Wish(kind=wish.kind, action=wish.action, id=wish.id, fields=wish.fields)


def picked(make: Callable[[Pick], T]) -> st.SearchStrategy[T]:
    """What `make` makes, as a strategy."""

    @st.composite
    def made(draw: st.DrawFn) -> T:
        def pick(options: Sequence[Any]) -> Any:
            return options[draw(st.integers(0, len(options) - 1))]

        return make(pick)

    return made()


wishes, deeds, plain_wishes = picked(some_wish), picked(some_deed), picked(plain_wish)

_text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
_number_of_any_size = st.integers(-1_000_000, 1_000_000) | st.floats(-1e6, 1e6)
_moment = st.integers(LEAST_TIME, MOST_TIME)
entity_ids = st.text("ABCabc019._-", min_size=1, max_size=8)
_any: dict[Any, st.SearchStrategy[Any]] = {
    str: _text,
    int: st.integers(0, 10_000),
    float: _number_of_any_size,
    bool: st.booleans(),
    str | None: st.none() | _text,
    int | None: st.none() | _moment,
    tuple[str, ...]: st.lists(_text, max_size=3).map(tuple),
}


def any_of(struct: type[T], **own: st.SearchStrategy[Any]) -> st.SearchStrategy[T]:
    """Any value of a struct: each field by its type, where nothing more is said of it."""
    kinds = {field.name: field.type for field in structs.fields(cast(Any, struct))}
    always = {"created_at": _moment, "last_updated": _moment, "version": st.just(1), "created_revision": st.just(1)}
    own = {"id": entity_ids, **always, **own}
    return st.builds(struct, **{name: own[name] if name in own else _any[kind] for name, kind in kinds.items()})


any_guest: st.SearchStrategy[Guest] = any_of(
    Guest,
    party_size=st.integers(1, 100),
    status=st.sampled_from(GUEST_STATUSES),
    table_id=st.none() | entity_ids,
    quoted_wait=st.none() | st.integers(0, 1440),
    served=st.none() | st.builds(Served, _text, st.integers(1, 100), st.none() | _text, st.none() | _text),
)
any_table: st.SearchStrategy[Table] = any_of(
    Table,
    capacity=st.integers(1, 100),
    min_capacity=st.integers(1, 100),
    status=st.sampled_from(TABLE_STATUSES),
    position=st.builds(Position, _number_of_any_size, _number_of_any_size),
    shape=st.sampled_from(SHAPES),
    current_guest_id=st.none() | entity_ids,
)
