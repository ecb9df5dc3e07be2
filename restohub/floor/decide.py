"""The decision on a command: what it does to a floor, or why it is refused."""

from __future__ import annotations

from restohub.limits import ANSWERED_BYTES_MAX

from .commands import CloseDay, Create, Delete, Operation, Update
from .draft import Draft
from .guest_rules import create_guest, delete_guest, retire_guest, update_guest
from .memory_size import weight
from .model import DONE, EXPECTED, Floor, Guest, Stamp
from .outcomes import Accepted, BatchRefused, Outcome, Refused, answer_too_large
from .size_limits import Size, limit_refusal
from .table_rules import create_table, delete_table, update_table

# What a batch is made of: operations, and in the places of malformed ones the refusals that reading them gave.
Batch = tuple[Operation | Refused, ...]
FloorCommand = Operation | CloseDay | Batch

PAST = {Create: "created", Update: "updated", Delete: "deleted"}


def decide(floor: Floor, command: FloorCommand, stamp: Stamp, hub_size: int = 0) -> Accepted | Refused | BatchRefused:
    """What the command does to the floor as the commit `stamp`, or why it is refused.

    The changes of an accepted command are after-images (for `apply`), guests first; where there are none the floor
    stays as it is and no commit is made. `hub_size` is what all floors of the hub weigh, this one included, in bytes.
    """
    draft = Draft(floor, stamp)
    match command:
        case CloseDay():
            return _close_day(draft, command)
        case tuple():
            return _decide_batch(draft, command, hub_size)
        case _:
            refused = _operate(draft, command)
            if refused is not None:
                return refused
            grown = draft.growth()
            changes = draft.changes()
            outcomes = (_outcome(command, changed=bool(changes)),)
            too_much = limit_refusal(Size.of(floor, hub_size), grown) if grown != (0, 0, 0) else None
            return too_much or Accepted(changes, outcomes, grown=grown[2])


def _decide_batch(draft: Draft, batch: Batch, hub_size: int) -> Accepted | BatchRefused:
    """Each operation sees those before it; one that fails is passed over, so that every fault is found."""
    refusals: list[tuple[int, Refused]] = []
    outcomes: list[Outcome] = []
    before = size = Size.of(draft.floor, hub_size)
    answered = 0
    for index, operation in enumerate(batch):
        attempt = draft.fork()
        refused = operation if isinstance(operation, Refused) else _operate(attempt, operation)
        grown = (0, 0, 0) if refused else attempt.growth()
        refused = refused or limit_refusal(size, grown)
        if refused is not None:
            refusals.append((index, refused))
        elif not isinstance(operation, Refused):
            changed = not isinstance(operation, Update) or attempt.differs()
            outcomes.append(_outcome(operation, changed=changed))
            draft.take(attempt)
            size = size.plus(grown)
            entity = draft.guest(operation.id) if operation.kind == "guest" else draft.table(operation.id)
            answered += 0 if entity is None else weight(entity)
            if answered > ANSWERED_BYTES_MAX:
                refusals.append((index, answer_too_large()))
                break
    if refusals:
        return BatchRefused(tuple(refusals))
    return Accepted(draft.changes(), tuple(outcomes), grown=size.floor - before.floor)


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


def leaves_at_close(guest: Guest, before: int, upto: int, expected_before: int | None) -> bool:
    """Whether the close of the day takes this guest from the floor, by the times and the revision of its command."""
    if guest.last_updated > before and guest.version > upto:
        return False
    if guest.status in EXPECTED and expected_before is not None:
        time = guest.created_at if guest.reservation_time is None else guest.reservation_time
        return time <= expected_before
    return guest.status in DONE


def _close_day(draft: Draft, command: CloseDay) -> Accepted:
    for guest_id in command.ids:
        guest = draft.guest(guest_id)
        if guest is not None and leaves_at_close(guest, command.before, command.upto, command.expected_before):
            retire_guest(draft, guest)
    return Accepted(draft.changes(), grown=draft.growth()[2])
