"""The model: guests, tables and restaurants, and the changes that a commit makes to them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from .visits import Served, Visit

Kind = Literal["guest", "table", "restaurant"]
Action = Literal["create", "update", "delete"]

# How a restaurant writes its times.
Hours = Literal[12, 24]

Phase = Literal["expected", "waiting", "seated", "done"]
PHASES: dict[str, Phase] = {
    "waitlist": "waiting",
    "confirmed": "expected",
    "running_late": "expected",
    "partially_arrived": "waiting",
    "arrived": "waiting",
    "notified": "waiting",
    "seated": "seated",
    "finished": "done",
    "cancelled": "done",
    "no_show": "done",
    "left": "done",
}
GUEST_STATUSES = tuple(PHASES)
EXPECTED = tuple(status for status, phase in PHASES.items() if phase == "expected")
DONE = tuple(status for status, phase in PHASES.items() if phase == "done")
TABLE_STATUSES = ("available", "reserved", "occupied", "dirty", "outOfService")
SHAPES = ("round", "square", "rectangle", "oval", "booth")

# `gc=False` below: values that hold values make no cycles, so the collector need not hear of them (1 µs a change).

# The directory of restaurants has a log of its own, so that its changes are commits with keys like any other.
DIRECTORY_ID = 0


class Position(Struct, frozen=True, gc=False):
    """Where a table stands: fractions of the floor's width and height by the app's habit, any finite number by rule."""

    x: float
    y: float


class Guest(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A party: on the waitlist, expected, seated or gone. Times are whole UTC seconds since 1970.

    `served` and `ended` are kept for the reports and sent to nobody: the table at which he was seated last, and since
    when he is done. `created_from`, as of tables and restaurants: the address that made it, None where the hub did or
    an older one.
    """

    id: str
    first_name: str
    last_name: str = ""
    party_size: int
    status: str = "waitlist"
    table_id: str | None = None
    phone: str | None = None
    email: str | None = None
    notes: str | None = None
    special_requests: str | None = None
    dietary_restrictions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    is_walk_in: bool = True
    quoted_wait: int | None = None
    reservation_time: int | None = None
    check_in_time: int | None = None
    seated_time: int | None = None
    finished_time: int | None = None
    notified_time: int | None = None
    arrived_count: int | None = None
    total_visits: int = 0
    created_at: int = 0
    last_updated: int = 0
    version: int = 0
    created_revision: int = 0
    created_from: str | None = None
    served: Served | None = None
    ended: int | None = None

    @property
    def name(self) -> str:
        """First and last name as a person would say them."""
        return f"{self.first_name} {self.last_name}" if self.last_name else self.first_name

    @property
    def phase(self) -> Phase:
        """The closed set behind the open set of statuses."""
        return PHASES[self.status]


class Table(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A piece of furniture with a number. `current_guest_id` is whoever is seated at it or holds it."""

    id: str
    table_number: str
    capacity: int
    min_capacity: int = 1
    status: str = "available"
    position: Position = Position(0.0, 0.0)
    shape: str = "round"
    rotation: float = 0
    section: str | None = None
    server: str | None = None
    notes: str | None = None
    current_guest_id: str | None = None
    created_at: int = 0
    last_updated: int = 0
    version: int = 0
    created_revision: int = 0
    created_from: str | None = None


class Restaurant(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One restaurant of the hub. `id` is a decimal string here, as every entity's is, and an integer on the wire."""

    id: str
    name: str
    timezone: str
    turn_minutes: dict[str, int] | None = None
    locale: str | None = None
    hours: Hours | None = None
    created_at: int = 0
    last_updated: int = 0
    version: int = 0
    created_revision: int = 0
    created_from: str | None = None


Entity = Guest | Table | Restaurant


class Change(Struct, frozen=True, gc=False):
    """What one commit did to one entity: its after-image, or None where it is gone.

    `was` is the version that the change replaced (0 for a new one): the chain through the log by which an older image
    is found. `counted` marks a guest who left the floor with a finished visit that stays counted: the hashes of his
    phone and e-mail. `visit`, which the log does not repeat, is that of any guest who was done.
    """

    kind: Kind
    id: str
    action: Action
    entity: Entity | None
    was: int = 0
    counted: tuple[str, str] | None = None
    visit: Visit | None = None


class Stamp(Struct, frozen=True, gc=False):
    """What the outside gives to a commit: revision, time (UTC seconds), transaction id, and from which address.

    `contact_key` is the hub's own, by which contacts are hashed that outlast their guest.
    """

    revision: int
    time: int
    transaction_id: str
    created_from: str | None = None
    contact_key: bytes = b""


class Entry(Struct, frozen=True, gc=False):
    """One commit of one restaurant, as the log keeps it. `atomic` is how the sockets tell it."""

    restaurant_id: int
    revision: int
    time: int
    transaction_id: str
    atomic: bool
    changes: tuple[Change, ...]


class Removal(Struct, frozen=True, gc=False):
    """An entity that is gone: since which revision, when, and the hashed contacts of a visit that stays counted."""

    kind: Kind
    id: str
    revision: int
    time: int
    counted: tuple[str, str] | None = None


class Finished:
    """The index of finished visits of a floor, as `finished` keeps it: made, `earlier` and one change, or not yet."""

    __slots__ = ("after", "before", "earlier", "index", "kept_back")
    __hash__ = None  # type: ignore[assignment]  # how Python says that equal ones have no hash

    def __init__(
        self,
        earlier: Finished | None = None,
        before: Guest | None = None,
        after: Guest | None = None,
        kept_back: int = 0,
    ) -> None:
        self.index: dict[str, set[str]] | None = None
        self.earlier = earlier
        self.before = before
        self.after = after
        self.kept_back = kept_back

    def settle(self, index: dict[str, set[str]]) -> None:
        """It is made: what came before is no matter any more."""
        self.index = index
        self.earlier = self.before = self.after = None
        self.kept_back = 0

    def __eq__(self, other: object) -> bool:
        """Always, of two: it says nothing that the guests do not."""
        return isinstance(other, Finished)


class Floor(Struct, frozen=True, gc=False, kw_only=True):
    """One restaurant's floor at one revision: a value, never changed in place.

    `removals` are the newest removals (at most REMOVALS_MAX); all those after `removals_since` are in it. `time` is the
    commit time of `revision`, or the restaurant's creation where nothing was committed yet. `size` is what its guests
    and tables weigh in bytes: `apply` keeps it, `measured` makes it.
    """

    restaurant_id: int
    revision: int = 0
    time: int = 0
    guests: dict[str, Guest] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    removals: dict[tuple[str, str], Removal] = field(default_factory=dict)
    removals_since: int = 0
    size: int = 0
    finished: Finished = field(default_factory=Finished)

    def get(self, kind: str, entity_id: str) -> Guest | Table | None:
        """The guest or table of that id, or None."""
        return (self.guests if kind == "guest" else self.tables).get(entity_id)


class Directory(Struct, frozen=True, gc=False, kw_only=True):
    """The restaurants of the hub. `last_id` is the highest id ever given: none is given twice."""

    revision: int = 0
    time: int = 0
    restaurants: dict[int, Restaurant] = field(default_factory=dict)
    last_id: int = 0
