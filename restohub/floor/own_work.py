"""This file is what a device changed itself since the versions that its off-line queue names: no conflict with that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, structs

from .commands import Delete, Update
from .merging import after_sending, without_echoes
from .nouns import Change, Entity, Floor, Guest, Table

Key = tuple[str, str]


class OwnChange(Struct, frozen=True, gc=False):
    """A commit of the device, as far as it concerns one guest or table; `before` is None where it made that."""

    before: Guest | Table | None
    after: Guest | Table


class OwnWork:
    """What the device's commits made of each guest and table, followed while its queue is decided.

    A queue of 500 updates may be of one guest: so each image that the updates are compared with is brought on from
    where the last update left it, not made anew.
    """

    def __init__(self, changes: Iterable[OwnChange] = ()) -> None:
        """`changes` are of the commits of before: in order for each guest and table."""
        self._changes: dict[Key, list[OwnChange]] = {}
        self._sent: dict[Key, list[tuple[int, Update]]] = {}
        self._runs: dict[Key, tuple[int, int]] = {}
        self._bases: dict[tuple[Key, int], tuple[Entity | None, int]] = {}
        self._seen: dict[tuple[Key, int], tuple[Entity, int]] = {}
        for change in changes:
            self._add(("guest" if isinstance(change.after, Guest) else "table", change.after.id), change)

    def rebased(self, command: Update | Delete, floor: Floor) -> Update | Delete:
        """The command with what it is compared with as the device itself left it.

        `base` is what is there now where nobody else changed it after `base_version`. Else it is the image at that
        version with the device's own changes on it, as far as they met no change of another.
        """
        key = command.kind, command.id
        present = floor.get(*key)
        if present is None:
            return command
        if isinstance(command, Update) and command.seen is not None:
            command = structs.replace(command, seen=self._seen_by_device(key, command.seen))
        if command.base_version is None:
            return command
        if self._untouched_since(key, present.version) <= command.base_version <= floor.revision:
            return structs.replace(command, base=present)
        if isinstance(command, Update):
            return structs.replace(command, base=self._left_by_device(key, command.base_version, command.base))
        return command

    def sent(self, command: Update, revision: int) -> None:
        """An update was accepted, now or (of a repeat) by the commit of this revision."""
        self._sent.setdefault((command.kind, command.id), []).append((revision, command))

    def committed(self, before: Floor, changes: Iterable[Change]) -> None:
        """The device's latest commit changed this floor so."""
        for change in changes:
            if isinstance(change.entity, Guest | Table):
                key = change.kind, change.id
                self._add(key, OwnChange(before.get(*key), change.entity))

    def _add(self, key: Key, change: OwnChange) -> None:
        self._changes.setdefault(key, []).append(change)
        replaced = change.before.version if change.before else 0
        since, last = self._runs.get(key, (replaced, replaced))
        self._runs[key] = since if last == replaced else replaced, change.after.version

    def _untouched_since(self, key: Key, version: int) -> int:
        """The version that nobody but the device has changed since; the present one where another did it last."""
        since, last = self._runs.get(key, (version, version))
        return since if last == version else version

    def _left_by_device(self, key: Key, version: int, image: Entity | None) -> Entity | None:
        changes = self._changes.get(key, [])
        image, upto = self._bases.get((key, version), (image, 0))
        for change in changes[upto:]:
            if change.after.version > version:
                image = _laid_on(image, change)
        self._bases[key, version] = image, len(changes)
        return image

    def _seen_by_device(self, key: Key, image: Entity) -> Entity:
        """What the device had read, with what it sent since: to send that again is an echo, to take it back is not."""
        version = image.version
        updates = self._sent.get(key, [])
        seen, upto = self._seen.get((key, version), (image, 0))
        for revision, update in updates[upto:]:
            if revision > version:
                seen = after_sending(seen, without_echoes(update.fields, seen, update.seen))
        self._seen[key, version] = seen, len(updates)
        return seen


def _laid_on(image: Any, change: OwnChange) -> Any:
    """The image with an own change on it; a field that another had changed by then stays as it is."""
    before, after = change.before, change.after
    if before is None:
        return after
    if image is None:
        return None
    changed = {
        name: getattr(after, name)
        for name in after.__struct_fields__
        if getattr(image, name) == getattr(before, name) != getattr(after, name)
    }
    return structs.replace(image, **changed) if changed else image
