"""A floor under test: each command is decided and applied, and all of it remembered."""

from __future__ import annotations

from msgspec import structs

from restohub.floor.apply import apply
from restohub.floor.commands import (
    CloseDay,
    Create,
    Delete,
    Fields,
    GuestFields,
    Operation,
    TableFields,
    Update,
    Visits,
)
from restohub.floor.contacts import contact_keys, hashed, same_party, visit_of_guest
from restohub.floor.decide import FloorCommand, decide
from restohub.floor.model import DONE, Entity, Entry, Floor, Guest, Stamp, Table
from restohub.floor.outcomes import Accepted, BatchRefused, Refused
from tests.floor.strategies import NEW, NEWEST, Wish

START = 1_700_000_000
Key = tuple[str, str]


TABLES = (2, 4, 6)  # how many each seats


class FloorHarness:
    """One restaurant's floor, its log, every image there ever was, and the clock of its commits (UTC seconds)."""

    def __init__(self, restaurant_id: int = 1) -> None:
        self.floor = Floor(restaurant_id=restaurant_id, time=START)
        self.now = START
        self.log: list[Entry] = []
        self.images: dict[Key, list[Entity]] = {}
        self.ever: set[Key] = set()
        self.made: dict[str, int] = {}
        self.retired: list[tuple[int, str, tuple[str, str]]] = []

    def furnish(self) -> FloorHarness:
        """Put tables on the floor, and a party that fits each: most that can go wrong needs both."""
        for capacity in TABLES:
            table = TableFields(table_number=f"T{capacity}", capacity=capacity)
            self.wish(Wish(kind="table", action="create", id=NEW, fields=table))
            guest = GuestFields(first_name="Cem", party_size=capacity)
            self.wish(Wish(kind="guest", action="create", id=NEW, fields=guest))
        return self

    def operation(self, wish: Wish) -> Operation:
        """The wish as the command it becomes once its names were resolved and history was asked."""
        entity_id, fields = self.named(wish.kind, wish.id), wish.fields
        if isinstance(fields, GuestFields) and isinstance(fields.table_id, str):
            fields = structs.replace(fields, table_id=self.named("table", fields.table_id))
        if isinstance(fields, TableFields) and isinstance(fields.current_guest_id, str):
            fields = structs.replace(fields, current_guest_id=self.named("guest", fields.current_guest_id))
        key, visits = (wish.kind, entity_id), self._visits(entity_id, fields, fresh=wish.fresh)
        if wish.action == "create":
            return Create(kind=wish.kind, id=entity_id, fields=fields, visits=visits)
        base, matched = self._back(key, wish.base), self._back(key, wish.matched)
        base_version = None if wish.base is None else base.version if base else self.floor.revision + 9
        if_match = None if wish.matched is None else (matched.version,) if matched else ()
        if wish.action == "delete":
            return Delete(kind=wish.kind, id=entity_id, if_match=if_match, base_version=base_version, base=base)
        seen = self._back(key, wish.seen)
        return Update(
            kind=wish.kind,
            id=entity_id,
            fields=fields,
            if_match=if_match,
            seen=seen,
            base_version=base_version,
            base=base,
            visits=visits,
        )

    def named(self, kind: str, name: str) -> str:
        """The id that a wish's name stands for."""
        there = self.floor.guests if kind == "guest" else self.floor.tables
        if name == NEW:
            self.made[kind] = self.made.get(kind, 0) + 1
        if name in (NEW, NEWEST):
            return f"{kind[0]}{self.made.get(kind, 0)}"
        if name.startswith("#"):
            return list(there)[int(name[1:]) % len(there)] if there else "nobody"
        return name

    def stamp(self) -> Stamp:
        """What the next commit would be made with."""
        return Stamp(self.floor.revision + 1, self.now, f"tx{self.floor.revision + 1}")

    def decide(self, command: FloorCommand) -> Accepted | Refused | BatchRefused:
        """The verdict on a command, which changes nothing."""
        return decide(self.floor, command, self.stamp())

    def tell(self, command: FloorCommand) -> Accepted | Refused | BatchRefused:
        """Decide a command and, where it changes something, commit it."""
        verdict = self.decide(command)
        if isinstance(verdict, Accepted) and verdict.changes:
            self.commit(verdict, atomic=isinstance(command, tuple))
        return verdict

    def wish(self, wish: Wish) -> Accepted | Refused | BatchRefused:
        """Have one wish decided and, where it changes something, committed."""
        return self.tell(self.operation(wish))

    def commit(self, accepted: Accepted, *, atomic: bool = False) -> Entry:
        """Lay the changes on the floor and remember them."""
        stamp = self.stamp()
        entry = Entry(
            self.floor.restaurant_id,
            stamp.revision,
            stamp.time,
            stamp.transaction_id,
            atomic or len(accepted.changes) > 1,
            accepted.changes,
        )
        self.floor = apply(self.floor, entry, accepted.grown)
        self.log.append(entry)
        for change in entry.changes:
            key = (change.kind, change.id)
            self.ever.add(key)
            if change.entity is not None:
                self.images.setdefault(key, []).append(change.entity)
            elif change.counted is not None:
                self.retired.append((entry.revision, change.id, change.counted))
        return entry

    def close_day(self, before: int) -> Accepted | Refused | BatchRefused:
        """Close the day for everyone who is done."""
        ids = tuple(guest.id for guest in self.floor.guests.values() if guest.status in DONE)
        return self.tell(CloseDay(ids, before))

    def image_at(self, key: Key, version: int) -> Entity | None:
        """The image that an entity had at a revision, None where it had none."""
        return next((image for image in reversed(self.images.get(key, ())) if image.version <= version), None)

    def visits_of(self, guest: Guest) -> int:
        """How many others finished a visit with this phone or e-mail, counted one by one."""
        mine = hashed(visit_of_guest(guest), b"")
        here = {g.id for g in self.floor.guests.values() if g.status == "finished" and self._alike(mine, g)}
        gone = {guest_id for _, guest_id, visit in self.retired if same_party(mine, visit)}
        return len((here | gone) - {guest.id})

    @staticmethod
    def _alike(mine: tuple[str, str], other: Guest) -> bool:
        return same_party(mine, hashed(visit_of_guest(other), b""))

    def _back(self, key: Key, steps: int | None) -> Entity | None:
        """The image that an entity had so many versions ago."""
        images = self.images.get(key, [])
        return images[-1 - steps] if steps is not None and steps < len(images) else None

    def _visits(self, entity_id: str, fields: Fields, *, fresh: bool) -> Visits:
        """What history would know of a request's contacts, as of now or of four commits ago."""
        if not isinstance(fields, GuestFields):
            return Visits()
        present = self.floor.guests.get(entity_id)
        names = set(contact_keys(fields.phone or None, fields.email or None))
        if present is not None:  # what the request sends may turn out to be an echo
            names.update(contact_keys(present.phone, present.email))
        upto = self.floor.revision if fresh else max(0, self.floor.revision - 4)
        ids: dict[str, frozenset[str]] = {}
        for name in names:
            which, _, value = name.partition(":")
            at = 0 if which == "phone" else 1
            kept = hashed((value, value), b"")[at]
            ids[name] = frozenset(i for revision, i, visit in self.retired if revision <= upto and visit[at] == kept)
        return Visits(upto, ids)


def bare(entity: Guest | Table) -> Guest | Table:
    """An entity less what only says when it was changed."""
    return structs.replace(entity, version=0, created_revision=0, last_updated=0)


def fold(held: dict[Key, Entity], entries: list[Entry]) -> dict[Key, Entity]:
    """What a client holds who had `held` and then took these entries, one after the other."""
    after = dict(held)
    for entry in entries:
        for change in entry.changes:
            if change.entity is None:
                after.pop((change.kind, change.id), None)
            else:
                after[change.kind, change.id] = change.entity
    return after


def held(floor: Floor) -> dict[Key, Entity]:
    """What a client holds who took the whole floor."""
    guests: dict[Key, Entity] = {("guest", guest.id): guest for guest in floor.guests.values()}
    return guests | {("table", table.id): table for table in floor.tables.values()}
