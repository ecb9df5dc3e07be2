"""Ports: what the running hub requires of the store that keeps its commits, whichever engine that is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from typing import NewType, NoReturn, Protocol

from msgspec import UNSET, Struct, UnsetType

from restohub.access.devices import Kept
from restohub.floor.commands import Visits
from restohub.floor.forgetting import Person
from restohub.floor.model import Action, Entity, Entry, Floor, Guest, Kind, Removal
from restohub.floor.visits import Visit

# The number of a commit of one restaurant. Never made where it is hot: a call of a NewType takes 50 ns.
Revision = NewType("Revision", int)
REVISION_MAX = Revision((1 << 40) - 1)
DAY_S = 24 * 3600
# Keys are honoured for 72 hours at least; the two days more are what one jump of the clock may make of no time at all.
KEYS_DAYS = 5
# A hub that has been idle for this long asks its ledger whether upkeep is due.
IDLE_S = 1.0


class StorageFullError(Exception):
    """The disk is full. The engine has rolled back; the floor stands as it was."""


class StorageUnavailableError(Exception):
    """The disk takes no writes for now; the text says why. Nothing was written."""


class StorageBackError(Exception):
    """The disk took no writes when the hub started, and takes them now; the text says what to do, for a person."""


class StorageFailedError(Exception):
    """What memory holds may no longer be what the disk holds: the process must end; starting again is the recovery."""


class Record(Struct, frozen=True):
    """A commit with the idempotency key that it was made with: the request's digest and the answer's bytes.

    `device` is the id of the device that asked for it, None where none is known; `person` of whoever was signed in
    there, or confirmed it.
    """

    entry: Entry
    key: str | None = None
    digest: bytes | None = None
    answer: bytes | None = None
    device: str | None = None
    person: str | None = None


class Author(Struct, frozen=True):
    """Who made a commit, when (UTC seconds), and what it changed: kind, id, action. `device` None: nobody is known."""

    revision: int
    time: int
    device: str | None
    changes: tuple[tuple[str, str, str], ...]
    person: str | None = None


class Wanted(Struct, frozen=True):
    """Whose commits are asked for: of a device, a person, an entity. UNSET: any; None: nobody who is known."""

    device: str | UnsetType | None = UNSET
    person: str | UnsetType | None = UNSET
    entity: str | UnsetType = UNSET


ALL = Wanted()


class KeptAnswer(Struct, frozen=True):
    """What was answered to a request with an idempotency key, and the digest of that request."""

    digest: bytes | None
    answer: bytes | None


class Oldest(Struct, frozen=True):
    """A commit at the log's old end: its revision, whether it has a key, and what it takes in bytes, about."""

    revision: Revision
    keyed: bool
    size: int


class Version(Struct, frozen=True):
    """An entity as it was at a revision of its restaurant."""

    kind: Kind
    id: str
    revision: int


class ClockReset(Struct, array_like=True, frozen=True):
    """Where the times of a log began anew, since the machine's clock had been ahead: at which revision, and when."""

    revision: int
    time: int


class Ledger(Protocol):
    """The writing end: everything that is written goes through it, in one task.

    What writes raises StorageFullError and StorageUnavailableError (nothing was written, the store is as it was),
    StorageFailedError (the process must end), or an error of our own after a rollback.
    """

    @property
    def refuses(self) -> str | None:
        """Why it takes nothing from the start, None where it does."""

    @property
    def reserve_in_use(self) -> bool:
        """Whether the disk is so full that the room there is is for deletes."""

    async def append(self, records: Sequence[Record]) -> None:
        """Write these commits in one transaction and sync it; on return they are durable."""

    async def begin_epoch(self, name: str, claimed_at: int | None = None, resets: Sequence[Entry] = ()) -> None:
        """Make this the present epoch.

        `claimed_at`: when a client had it begin, where one did. `resets`: the commits, without any change, from which
        on the times of each log begin anew, where they do.
        """

    async def keep_access(self, what: Kept) -> int:
        """Keep a device, a person or the mode in the place of what was before; how many rows that were."""

    async def probe(self) -> None:
        """Whether a write could commit now: a transaction that changes nothing a client knows."""

    async def prune(self, restaurant_id: int, first: int, last: int) -> Sequence[tuple[int, str | None]]:
        """Take these revisions out of a restaurant's log; each with the key that goes with it."""

    async def forget_removals(self, restaurant_id: int, many: int) -> int:
        """Take so many removals and visits of a deleted restaurant out of the store, and say how many."""

    async def give_up_reserve(self) -> bool:
        """Make room for deletes; False where there is none to be made."""

    async def restore_reserve(self) -> bool:
        """Have the reserve again after it was given up; False where there is no room for it yet."""

    def upkeep_due(self, idle_s: float) -> bool:
        """Whether `upkeep` should be called now, when the hub has had nothing to do for so long."""

    async def upkeep(self) -> None:
        """What the engine puts off while callers wait; called once commits are published and answered."""


class History(Protocol):
    """The reading end. Each query raises StorageFailedError where the disk can no longer be trusted.

    `resets` are where the times of a log began anew.
    """

    resets: dict[int, ClockReset]

    async def failed(self) -> NoReturn:
        """Wait for the first failure of the disk, and raise it."""

    async def kept_answer(self, restaurant_id: int, revision: int) -> KeptAnswer | None:
        """The answer that the commit of this revision was made with, None where the log no longer has it."""

    async def authors(self, restaurant_id: int, upto: int, many: int, wanted: Wanted = ALL) -> list[Author]:
        """Who made the latest commits up to a revision, the latest first, so many at most; of those that are wanted."""

    async def was_used(self, restaurant_id: int, kind: str, entity_id: str) -> bool:
        """Whether an entity that is gone had this id."""

    async def visits(self, floor: Floor, phone: str | None, email: str | None) -> Visits:
        """Which retired guests finished a visit with this phone or e-mail, as far as `floor`'s revision.

        At most VISITS_MAX each.
        """

    async def visits_between(self, floor: Floor, after: tuple[int, str], until: int, many: int) -> list[Visit]:
        """The visits after this time and guest, before `until`, made up to `floor`'s revision; so many at most."""

    async def newest_visit(self, floor: Floor, before: int) -> int | None:
        """The time of the newest visit before this one, made up to `floor`'s revision."""

    async def images(
        self, floor: Floor, versions: Iterable[Version], around: Set[int] = frozenset()
    ) -> Mapping[Version, Entity]:
        """The entities as they were at these versions; those that the log does not know are left out.

        So are those that it knows only many steps back: the oldest ones. Of the commits `around` that changed one of
        the entities after a version of it, what they made and what they replaced comes along.
        """

    async def made(self, restaurant_id: int, revisions: Iterable[int]) -> dict[int, str]:
        """The id of the guest or table that each of these commits made; those that made none are left out."""

    async def removals(self, floor: Floor, since: int, many: int) -> list[Removal]:
        """What left the floor after revision `since`, up to the floor's own revision; the oldest, so many at most."""

    async def first_revision(self, restaurant_id: int) -> Revision | None:
        """The oldest revision that the log still has, None where it has none."""

    async def revision_before(self, floor: Floor, time: int) -> Revision | None:
        """The last revision committed before `time` (UTC seconds); None where the log does not reach back that far.

        Commit times never run backwards but at a reset, and only those from the newest reset on count.
        """

    async def revision_days_back(self, floor: Floor, days: int) -> Revision:
        """The last revision that so many whole days lie after; 0 where the log does not reach back that far.

        A day (of UTC) counts where something was committed on it: whatever a wrong clock says, a jump of it is one day.
        """

    async def commits_around(self, floors: Iterable[Floor], time: int) -> tuple[int, int] | None:
        """When the hub committed last before a time, and first after it (UTC seconds); None where the logs do not tell.

        They tell only where each of them reaches back to the time, or has never been pruned.
        """

    async def oldest(self, restaurant_id: int, upto: int, many: int) -> list[Oldest]:
        """The oldest commits of a restaurant's log, so many at most, none after revision `upto`."""

    async def size_of(self, restaurant_id: int, after: int, upto: int, many: int) -> tuple[int, int]:
        """The bytes that so many commits of a log take after revision `after`, and the last one's revision."""

    async def bytes_in_use(self) -> int:
        """The bytes that the store takes on the disk and that hold something."""


class BackupState(Struct, frozen=True):
    """The newest good backup of the data folder: its time (UTC seconds, None: there is none), and its size.

    `places` are those beside the data folder that have it too, `missing` the sentences of those that do not.
    """

    time: int | None = None
    size_bytes: int = 0
    places: list[str] = []
    missing: list[str] = []


class Erasure(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A person of a restaurant who is to be forgotten, or was. Times are UTC seconds.

    `ids` are the guests that were found to be this person. `done` is since when nothing of them is left in the data
    folder but in backups; `renewed` when those were made anew, where that was asked for (`renew`), and `missing` why
    older ones are left all the same.
    """

    id: str
    restaurant_id: int
    person: Person
    asked: int
    ids: tuple[str, ...] = ()
    renew: bool = False
    done: int | None = None
    renewed: int | None = None
    missing: tuple[str, ...] = ()


class Held(Struct, frozen=True):
    """What the hub holds of a person: guests on the floor, what the log says of him or her, and visits.

    The log's are (revision, time, action, the guest as he was then or None).
    """

    guests: Sequence[Guest]
    logged: Sequence[tuple[int, int, Action, Guest | None]]
    visits: Sequence[Visit]


# Has a step of work on the store done between two groups of the writer.
Between = Callable[[Callable[[], Awaitable[int]]], Awaitable[int]]


class People(Protocol):
    """What the store knows of people, and how it forgets them; what writes is done `between` groups.

    Raises like the Ledger, and OSError where a file beside the database cannot be written.
    """

    def erasures(self) -> list[Erasure]:
        """Who was to be forgotten so far, oldest first."""

    def keep(self, erasures: Sequence[Erasure]) -> None:
        """Keep who was to be forgotten, on the disk; it outlasts the database."""

    def keep_beside_backups(self) -> None:
        """Keep it beside the backups too, for whoever puts one back elsewhere."""

    async def found(self, floor: Floor, person: Person, ids: Iterable[str]) -> set[str]:
        """The guests who are a person, these `ids` among them: on the floor, long gone, or at any time in the log."""

    async def held(self, floor: Floor, person: Person) -> Held:
        """All that is held of a person."""

    async def scrub(self, floor: Floor, ids: Set[str], between: Between) -> None:
        """Take these guests out of the removals, the visits and the log, up to the floor's revision."""

    async def clean(self, asked: int, between: Between) -> None:
        """Leave nothing of what was there before in the files, nor of what a restore set aside before `asked`."""

    async def marks(self, between: Between) -> set[str]:
        """The erasures that are done in this database."""

    async def mark(self, erasure_ids: Sequence[str], time: int, between: Between) -> None:
        """Note that erasures are done in this database."""

    async def end_hashes(self, restaurant_id: int, before: int, between: Between) -> set[str]:
        """End the hashes of the contacts of whoever left before a time, and say which guests those were."""


class Erasures(Protocol):
    """What the hub asks of whatever forgets people."""

    async def held(self, floor: Floor, person: Person) -> Held:
        """What is held of a person; raises StorageFailedError."""
        ...

    async def ask(self, restaurant_id: int, person: Person, renew: bool, now: int) -> Erasure:
        """Have a person forgotten, durably noted at `now` (UTC seconds); `renew`: with the backups. Raises OSError."""
        ...

    def count(self) -> int:
        """How many erasures are on the list."""
        ...

    def find(self, restaurant_id: int, erasure_id: str) -> Erasure | None:
        """How far an erasure is, None where there is none of this id in the restaurant."""
        ...

    def is_running(self, erasure_id: str) -> bool:
        """Whether an erasure is being done at this moment."""
        ...


class Backups(Protocol):
    """What the hub asks of whatever makes backups of its data."""

    def look(self) -> BackupState:
        """What backups there are, read in the hub's own folder alone; may take a few milliseconds of the disk."""
        ...

    async def make(self, *, renew: bool = False) -> str | None:
        """Make one now; None where it was made, else why not, as a sentence for a person.

        `renew`: all older ones are removed then, in each place that has the new one.
        """
        ...
