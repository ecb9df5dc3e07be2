"""What always holds of a floor, whatever is done to it (contract.md, "What always holds")."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from msgspec import UNSET

from restohub.floor.commands import CloseDay, Create, GuestFields, Update
from restohub.floor.decide import FloorCommand
from restohub.floor.model import DONE, PHASES, Change, Entity, Floor, Guest, Table
from restohub.floor.outcomes import Accepted, BatchRefused, Refused
from restohub.floor.text_folding import fold_label
from restohub.wire.problems import words_of
from tests.floor.floor_harness import FloorHarness, bare, fold, held
from tests.floor.strategies import Closing, Deed, Wish, deeds, plain_wish, plain_wishes, some_deed, some_wish, wishes

CI = settings(
    derandomize=True,
    deadline=None,
    max_examples=60,
    stateful_step_count=10,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
LONG = settings(CI, derandomize=False, max_examples=5000, stateful_step_count=50)
STAMPED = ("check_in_time", "seated_time", "finished_time")


def assert_sound(floor: Floor) -> None:
    """The invariants 1 to 3, the numbers, and that every entity stands under its own id."""
    for guest in floor.guests.values():
        assert floor.guests[guest.id] is guest
        if guest.table_id is not None:
            assert floor.tables[guest.table_id].current_guest_id == guest.id, "he has a table that does not have him"
            assert guest.status not in DONE, "a terminal guest has a table"
    for table in floor.tables.values():
        assert floor.tables[table.id] is table
        if table.current_guest_id is not None:
            guest = floor.guests[table.current_guest_id]
            assert guest.table_id == table.id, "a table has a guest who does not have it"
            assert table.status == ("occupied" if guest.status == "seated" else "reserved")
    numbers = [fold_label(table.table_number) for table in floor.tables.values()]
    assert len(set(numbers)) == len(numbers), "two tables share a number"
    assert all(1 <= table.min_capacity <= table.capacity for table in floor.tables.values())


def assert_stamped(before: Guest | None, after: Guest, sent: set[str], now: int) -> None:
    """Rule 4. `sent` are the times that the command itself gave, of which only what must be there is asked."""
    phase = PHASES[after.status]
    if before is not None and before.status == after.status:
        unsent = [name for name in STAMPED if name not in sent]
        assert [getattr(before, name) for name in unsent] == [getattr(after, name) for name in unsent]
        return
    stamped = {"check_in_time": phase in ("waiting", "seated"), "seated_time": phase == "seated"}
    stamped["finished_time"] = after.status == "finished"
    was = PHASES[before.status] if before else None
    cleared = {"finished_time": was == "done" and phase != "done"}
    cleared["seated_time"] = was in ("seated", "done") and phase in ("waiting", "expected")
    for name in STAMPED:
        had, has = getattr(before, name, None), getattr(after, name)
        assert has is not None or not stamped[name], f"{after.status} without {name}"
        if name not in sent:
            kept = None if cleared.get(name) else had
            assert has == (now if stamped[name] and kept is None else kept)


def assert_stamped_at_last(before: Guest | None, after: Guest, sent: set[str]) -> None:
    """Of rule 4 what must hold after a batch, in which a guest may have had several statuses."""
    if before is None or before.status != after.status:
        phase = PHASES[after.status]
        needed = {"check_in_time": phase in ("waiting", "seated"), "seated_time": phase == "seated"}
        needed["finished_time"] = after.status == "finished"
        for name in STAMPED:
            # A request may give a time itself, null too.
            assert name in sent or not needed[name] or getattr(after, name) is not None


def assert_net(floor: Floor, changes: tuple[Change, ...], revision: int, now: int) -> None:
    """Each entity once, guests first, after-images at this revision, and nothing that ended as it began."""
    order = [(change.kind, change.id) for change in changes]
    assert len(set(order)) == len(order)
    assert [kind for kind, _ in order] == sorted(kind for kind, _ in order)
    for change in changes:
        before, after = floor.get(change.kind, change.id), change.entity
        assert change.was == (before.version if before else 0)
        assert change.action == ("delete" if after is None else "update" if before else "create")
        if isinstance(after, Guest | Table):
            assert (after.id, after.version, after.last_updated) == (change.id, revision, now)
            assert (after.created_revision, after.created_at) == (
                (before.created_revision, before.created_at) if before else (revision, now)
            )
            assert before is None or bare(after) != bare(before), "it ended as it began"


def times_sent(command: FloorCommand) -> dict[str, set[str]]:
    """The times that a command gives, by guest."""
    sent: dict[str, set[str]] = {}
    for operation in command if isinstance(command, tuple) else (command,):
        if isinstance(operation, Create | Update) and isinstance(operation.fields, GuestFields):
            given_times = {name for name in STAMPED if getattr(operation.fields, name) is not UNSET}
            sent.setdefault(operation.id, set()).update(given_times)
    return sent


class Watched:
    """A floor, and any deed at any time; what always holds is looked at after each."""

    def __init__(self) -> None:
        self.story = FloorHarness().furnish()
        self.snapshots: list[tuple[int, dict[tuple[str, str], Entity]]] = [(0, {})]

    def deed(self, deed: Deed, seconds: int) -> None:
        """Do it, some seconds after the last one."""
        self.story.now += seconds
        match deed:
            case Wish():
                self.do(self.story.operation(deed))
            case tuple():
                self.do(tuple(one if isinstance(one, Refused) else self.story.operation(one) for one in deed))
            case _:
                self.close_the_day(deed)

    def close_the_day(self, closing: Closing) -> None:
        """Take from the floor who is done and old enough."""
        before, limit = self.story.floor, self.story.now - closing.age_s
        ids = {self.story.named("guest", name) for name in closing.names}
        self.do(CloseDay(tuple(sorted(ids)), limit))
        gone = before.guests.keys() - self.story.floor.guests.keys()
        assert gone == {
            i for i, g in before.guests.items() if i in ids and g.status in DONE and g.last_updated <= limit
        }

    def look(self) -> None:
        """A client takes the whole floor, and follows the log from there."""
        self.snapshots.append((self.story.floor.revision, held(self.story.floor)))

    def do(self, command: FloorCommand) -> None:
        """Decide and apply a command, and hold every rule of a commit against what came of it."""
        story, before, stamp = self.story, self.story.floor, self.story.stamp()
        guests, tables, ever = dict(before.guests), dict(before.tables), set(story.ever)
        verdict = story.tell(command)
        assert (before.guests, before.tables) == (guests, tables), "a floor was changed in place"
        if not isinstance(verdict, Accepted) or not verdict.changes:
            assert story.floor is before
            self.assert_refused(command, verdict)
            return
        assert_sound(story.floor)
        assert story.floor.revision == stamp.revision == before.revision + 1 == len(story.log)
        assert_net(before, verdict.changes, stamp.revision, stamp.time)
        sent = times_sent(command)
        for change in verdict.changes:
            if change.action == "create":
                assert (change.kind, change.id) not in ever, "an id was given twice"
            if not isinstance(change.entity, Guest):
                continue
            guest, guest_sent = before.guests.get(change.id), sent.get(change.id, set())
            if isinstance(command, tuple):
                assert_stamped_at_last(guest, change.entity, guest_sent)
            else:
                self.assert_counted(guest, change.entity)
                assert_stamped(guest, change.entity, guest_sent, stamp.time)

    def assert_refused(self, command: FloorCommand, verdict: Accepted | Refused | BatchRefused) -> None:
        """A refusal has words; an operation that changed nothing says so, and never was one that must change."""
        match verdict:
            case Refused():
                assert verdict.code
                assert words_of(verdict)[0].endswith(".")
            case BatchRefused():
                assert verdict.refusals
                assert isinstance(command, tuple)
                assert [index for index, _ in verdict.refusals] == sorted({index for index, _ in verdict.refusals})
            case Accepted() if not isinstance(command, tuple | CloseDay):
                assert [outcome.status for outcome in verdict.outcomes] == ["unchanged"]

    def assert_counted(self, before: Guest | None, after: Guest) -> None:
        """Visits are counted when a guest is made or his phone or e-mail changes, then left alone."""
        same = before is not None and (before.phone, before.email) == (after.phone, after.email)
        assert after.total_visits == (before.total_visits if before and same else self.story.visits_of(after))

    def replay(self) -> None:
        """The log, replayed on any earlier snapshot, is the floor now; so is what versions and removals say."""
        now = held(self.story.floor)
        for revision, snapshot in self.snapshots:
            assert fold(snapshot, self.story.log[revision:]) == now
            gone = {key for key, removal in self.story.floor.removals.items() if removal.revision > revision}
            new = {key: entity for key, entity in now.items() if entity.version > revision}
            assert {key: e for key, e in snapshot.items() if key not in gone} | new == now
        assert self.story.ever == now.keys() | self.story.floor.removals.keys(), "an id was forgotten"
        assert not now.keys() & self.story.floor.removals.keys()


class FloorMachine(RuleBasedStateMachine):
    """The same, as Hypothesis drives it: what fails is shrunk to the few deeds that it takes."""

    def __init__(self) -> None:
        super().__init__()
        self.floor = Watched()

    @rule(many=st.lists(deeds, min_size=1, max_size=6), seconds=st.integers(0, 600))
    def change(self, many: list[Deed], seconds: int) -> None:
        """Some deeds, one after the other."""
        for deed in many:
            self.floor.deed(deed, seconds)

    @precondition(lambda self: len(self.floor.snapshots) < 8)
    @rule()
    def look(self) -> None:
        """A client joins."""
        self.floor.look()

    @invariant()
    def replays(self) -> None:
        """What clients hold is the floor."""
        self.floor.replay()


def test_what_always_holds_does_after_any_sequence_of_commands() -> None:
    run_state_machine_as_test(FloorMachine, settings=CI)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_what_always_holds_does_after_very_many_sequences() -> None:
    run_state_machine_as_test(FloorMachine, settings=LONG)


def walk(seed: int, deeds_count: int) -> None:
    """Deeds picked by a seeded Random: no shrinking, and a hundred times as many in the same time."""
    random, floor = Random(seed), Watched()
    for n in range(deeds_count):
        floor.deed(some_deed(random.choice), random.randrange(600))
        if n % 50 == 0:
            floor.look()
    floor.replay()


@pytest.mark.parametrize("seed", range(16))
def test_what_always_holds_does_through_a_long_day(seed: int) -> None:
    walk(seed, 400)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_what_always_holds_does_through_very_long_days() -> None:
    for seed in range(1000, 2000):
        walk(seed, 2000)


def assert_batch_is_its_operations(first: list[Wish], many: list[Wish]) -> None:
    """On a floor after `first`: what is refused, and the entities in the end, are those of one after the other."""
    whole, single = FloorHarness().furnish(), FloorHarness().furnish()
    for wish in first:
        whole.wish(wish)
        single.wish(wish)
    operations = tuple(whole.operation(wish) for wish in many)
    verdicts = [single.tell(operation) for operation in operations]
    verdict = whole.tell(operations)
    failed = [(index, one.code) for index, one in enumerate(verdicts) if isinstance(one, Refused)]
    if isinstance(verdict, BatchRefused):
        assert [(index, one.code) for index, one in verdict.refusals] == failed
        return
    assert isinstance(verdict, Accepted)
    assert not failed
    for one, other in ((whole.floor.guests, single.floor.guests), (whole.floor.tables, single.floor.tables)):
        assert {i: bare(entity) for i, entity in one.items()} == {i: bare(entity) for i, entity in other.items()}
    assert whole.floor.removals.keys() == single.floor.removals.keys()
    statuses = [one.outcomes[0].status for one in verdicts if isinstance(one, Accepted)]
    assert [outcome.status for outcome in verdict.outcomes] == statuses


@settings(CI, max_examples=60)
@given(first=st.lists(wishes, max_size=8), many=st.lists(plain_wishes, min_size=1, max_size=6))
def test_a_batch_is_its_operations_one_by_one(first: list[Wish], many: list[Wish]) -> None:
    assert_batch_is_its_operations(first, many)


def test_a_batch_is_its_operations_one_by_one_on_hundreds_of_floors() -> None:
    random = Random(1)
    for _ in range(400):
        first = [some_wish(random.choice) for _ in range(20)]
        assert_batch_is_its_operations(first, [plain_wish(random.choice) for _ in range(random.randrange(1, 5))])
