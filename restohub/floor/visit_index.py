"""The index of finished visits on the floor, by phone and by e-mail."""

from __future__ import annotations

from collections.abc import Mapping, Set

from .contacts import contact_keys
from .model import Finished, Guest

Index = dict[str, set[str]]
# Beyond this many changes the index is rebuilt when it is next needed: 12 ms for 5,000 finished guests.
KEPT_BACK_MAX = 256


def after_change(finished: Finished, before: Guest | None, after: Guest | None) -> Finished:
    """The index after a change of a guest that concerns it.

    Nothing is indexed here, since most changes of a floor come between two questions: a copy for each guest who
    finishes would cost 10 µs on a floor of 200 guests, and 130 on one of 5,000.
    """
    if finished.kept_back >= KEPT_BACK_MAX:
        return Finished()
    return Finished(earlier=finished, before=before, after=after, kept_back=finished.kept_back + 1)


def index_of(finished: Finished, guests: Mapping[str, Guest]) -> Index:
    """The index itself, brought up to date with the guests whom it is of. Who asks must not change it.

    It is moved on from the floor that it was made for, not copied: an older floor that asks again (its changes could
    not be saved) has it made anew.
    """
    changes: list[Finished] = []
    newest = finished
    while newest.index is None and newest.earlier is not None:
        changes.append(newest)
        newest = newest.earlier
    index, newest.index = newest.index, None
    if index is None:
        index = {}
        for guest in guests.values():
            move(index, None, guest)
    else:
        for change in reversed(changes):
            move(index, change.before, change.after)
    finished.settle(index)
    return index


def concerns(before: Guest | None, after: Guest | None) -> bool:
    """Whether a change of a guest may change the index."""
    return (after is not None and after.status == "finished") or (before is not None and before.status == "finished")


def move(index: Index, before: Guest | None, after: Guest | None) -> None:
    """Bring the index from a guest as he was to him as he is; None where he was or is not on the floor."""
    had, has = _keys(before), _keys(after)
    for key in had:
        if key not in has and before is not None:
            index[key].discard(before.id)
            if not index[key]:
                del index[key]
    for key in has:
        if key not in had and after is not None:
            index.setdefault(key, set()).add(after.id)


class OwnIndex:
    """A copy of an index to be changed, of which only those sets are copied that a change touches."""

    def __init__(self, index: Index) -> None:
        self.index = dict(index)
        self._own: set[str] = set()

    def move(self, before: Guest | None, after: Guest | None) -> None:
        """As `move` does."""
        for key in (*_keys(before), *_keys(after)):
            if key in self.index and key not in self._own:
                self.index[key] = set(self.index[key])
            self._own.add(key)
        move(self.index, before, after)


def count_either(one: Set[str], other: Set[str]) -> int:
    """How many ids are in either of two sets; they may have thousands in common, as a careless `0` for a phone has."""
    fewer, more = (one, other) if len(one) < len(other) else (other, one)
    return len(more) + (len(fewer - more) if fewer else 0)


def _keys(guest: Guest | None) -> tuple[str, ...]:
    if guest is None or guest.status != "finished":
        return ()
    return contact_keys(guest.phone, guest.email)
