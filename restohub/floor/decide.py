"""This file is the decision: what a command would do to a floor, or why it is refused."""

from __future__ import annotations

from .commands import CloseDay, Create, Delete, Operation, Update
from .draft import Draft
from .guest_rules import create_guest, delete_guest, update_guest
from .nouns import DONE, Floor, Stamp
from .table_rules import create_table, delete_table, update_table
from .verdicts import Accepted, BatchRefused, Outcome, Refused

# What a batch is made of: operations, and in the places of malformed ones the refusals that reading them gave.
Batch = tuple[Operation | Refused, ...]
FloorCommand = Operation | CloseDay | Batch

PAST = {Create: "created", Update: "updated", Delete: "deleted"}


def decide(floor: Floor, command: FloorCommand, stamp: Stamp) -> Accepted | Refused | BatchRefused:
    """What the command does to the floor as the commit `stamp`, or why it is refused.

    The changes of an accepted command are after-images (for `apply`), guests first; where there are none the floor
    stays as it is and no commit is made.
    """
    draft = Draft(floor, stamp)
    match command:
        case CloseDay():
            return _close_day(draft, command)
        case tuple():
            return _decide_batch(draft, command)
        case _:
            refused = _operate(draft, command)
            changes = () if refused else draft.changes()
            return refused or Accepted(changes, (_outcome(command, changed=bool(changes)),))


def _decide_batch(draft: Draft, batch: Batch) -> Accepted | BatchRefused:
    """Each operation sees those before it; one that fails is passed over, so that every fault is found."""
    refusals: list[tuple[int, Refused]] = []
    outcomes: list[Outcome] = []
    for index, operation in enumerate(batch):
        attempt = draft.fork()
        refused = operation if isinstance(operation, Refused) else _operate(attempt, operation)
        if refused is not None:
            refusals.append((index, refused))
        elif not isinstance(operation, Refused):
            changed = not isinstance(operation, Update) or _differ(draft, attempt)
            outcomes.append(_outcome(operation, changed=changed))
            draft = attempt
    return BatchRefused(tuple(refusals)) if refusals else Accepted(draft.changes(), tuple(outcomes))


def _operate(draft: Draft, operation: Operation) -> Refused | None:
    match operation:
        case Update(kind="guest"):
            return update_guest(draft, operation)
        case Update():
            return update_table(draft, operation)
        case Create(kind="guest"):
            return create_guest(draft, operation)
        case Create():
            return create_table(draft, operation)
        case Delete(kind="guest"):
            return delete_guest(draft, operation)
        case Delete():
            return delete_table(draft, operation)


def _outcome(operation: Operation, *, changed: bool) -> Outcome:
    """What the operation did; an update that left every entity as it was did nothing."""
    return Outcome(operation.kind, operation.id, PAST[type(operation)] if changed else "unchanged")


def _differ(before: Draft, after: Draft) -> bool:
    """Whether an operation left anything else than it found."""
    touched = [*(("guest", i) for i in after.guests), *(("table", i) for i in after.tables)]
    return any(before.get(kind, i) != after.get(kind, i) for kind, i in touched)


def _close_day(draft: Draft, command: CloseDay) -> Accepted:
    for guest_id in command.ids:
        guest = draft.guest(guest_id)
        if guest is None or guest.status not in DONE:
            continue
        if guest.last_updated <= command.before or guest.version <= command.upto:
            draft.retire(guest)
    return Accepted(draft.changes())
