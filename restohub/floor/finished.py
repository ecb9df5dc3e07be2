"""This file is the index of finished visits: who on the floor finished one, by the keys of his phone and his e-mail."""

from __future__ import annotations

from collections.abc import Iterable

from .contacts import contact_keys
from .nouns import Guest

Finished = dict[str, frozenset[str]]

NOBODY: frozenset[str] = frozenset()


def index_finished(guests: Iterable[Guest]) -> Finished:
    """The index of these guests."""
    index: Finished = {}
    for guest in guests:
        move_finished(index, None, guest)
    return index


def concerns_finished(before: Guest | None, after: Guest | None) -> bool:
    """Whether a change of a guest may change the index."""
    return (after is not None and after.status == "finished") or (before is not None and before.status == "finished")


def move_finished(index: Finished, before: Guest | None, after: Guest | None) -> None:
    """Bring the index from a guest as he was to him as he is; None where he was or is not on the floor."""
    had, has = _keys(before), _keys(after)
    for key in had:
        if key not in has and before is not None:
            left = index.get(key, NOBODY) - {before.id}
            if left:
                index[key] = left
            else:
                index.pop(key, None)
    for key in has:
        if key not in had and after is not None:
            index[key] = index.get(key, NOBODY) | {after.id}


def count_visits(*known: frozenset[str]) -> int:
    """How many ids are in either of two sets; nothing is copied, since a careless `0` for a phone is everybody's."""
    one, other = known
    return len(one) + len(other) - (len(one & other) if one and other else 0)


def _keys(guest: Guest | None) -> tuple[str, ...]:
    if guest is None or guest.status != "finished":
        return ()
    return contact_keys(guest.phone, guest.email)
