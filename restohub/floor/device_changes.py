"""A device's own changes since the versions that its off-line queue names: it does not conflict with those."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, structs

from .commands import Delete, Update
from .merging import intended_fields, sent_fields, without_echoes
from .model import Change, Entity, Floor, Guest, Table

# These fields differ after every change.
OF_EACH_CHANGE = ("version", "last_updated")
FIELDS: dict[type[Entity], tuple[str, ...]] = {
    kind: tuple(name for name in kind.__struct_fields__ if name not in OF_EACH_CHANGE) for kind in (Guest, Table)
}

# `name`, which an update may give, is made of these.
NAMES = ("first_name", "last_name")


class OwnChange(Struct, frozen=True, gc=False):
    """A commit of the device, as far as it concerns one guest or table; `before` is None where it made that."""

    before: Guest | Table | None
    after: Guest | Table


class OwnWork:
    """What the device's commits made of each guest and table, followed while its queue is decided."""

    def __init__(self, changes: Iterable[OwnChange] = ()) -> None:
        """`changes` are of the commits of before: in order for each guest and table."""
        self._works: dict[tuple[str, str], _Work] = {}
        for change in changes:
            self._on("guest" if isinstance(change.after, Guest) else "table", change.after.id).add(change)

    def rebased(self, command: Update | Delete, floor: Floor) -> Update | Delete:
        """The command with what it is compared with as the device itself left it.

        `base` is what is there now where nobody else changed it after `base_version`. Else it is the image at that
        version with the device's own changes on it, as far as they met no change of another.
        """
        present = floor.get(command.kind, command.id)
        if present is None:
            return command
        work = self._on(command.kind, command.id)
        if isinstance(command, Update) and command.seen is not None:
            command = structs.replace(command, seen=work.seen_by_device(command.seen))
        if command.base_version is None:
            return command
        if work.untouched_since(present.version) <= command.base_version <= floor.revision:
            return structs.replace(command, base=present)
        if isinstance(command, Update):
            return structs.replace(command, base=work.left_by_device(command))
        return command

    def sent(self, command: Update, floor: Floor, revision: int) -> None:
        """An update of this floor was accepted, now or (of a repeat) by the commit of this revision."""
        present = floor.get(command.kind, command.id)
        if present is not None:
            seen = command.seen or present
            fields = intended_fields(without_echoes(command.fields, present, command.seen), seen)
            self._on(command.kind, command.id).sent.append((revision, fields))

    def committed(self, before: Floor, changes: Iterable[Change]) -> None:
        """The device's latest commit changed this floor so."""
        for change in changes:
            if isinstance(change.entity, Guest | Table):
                own = OwnChange(before.get(change.kind, change.id), change.entity)
                self._on(change.kind, change.id).add(own)

    def _on(self, kind: str, entity_id: str) -> _Work:
        work = self._works.get((kind, entity_id))
        if work is None:
            work = self._works[kind, entity_id] = _Work()
        return work


class _Work:
    """The device's work on one guest or table: `sent` has the fields of its updates, each with a revision."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, dict[str, object]]] = []
        self._made: Guest | Table | None = None
        self._run = (0, 0)
        self._steps: dict[str, list[tuple[int, Any, Any]]] = {}

    def add(self, change: OwnChange) -> None:
        """The device's next change."""
        before, after = change.before, change.after
        replaced = before.version if before else 0
        since, last = self._run
        self._run = since if last == replaced else replaced, after.version
        if before is None:
            self._made = after
            return
        for name in FIELDS[type(after)]:
            was, now = getattr(before, name), getattr(after, name)
            if was != now:
                self._steps.setdefault(name, []).append((after.version, was, now))

    def untouched_since(self, version: int) -> int:
        """The version that nobody but the device has changed since; the present one where another did it last."""
        since, last = self._run
        return since if last == version else version

    def left_by_device(self, command: Update) -> Entity | None:
        """The update's base with the own changes since; a field that another had changed by then stays so.

        Only of the fields that the update gives: a queue of 500 may be of one guest, each update with another base.
        """
        version, base = command.base_version or 0, command.base
        if base is None and self._made is not None and self._made.version > version:
            version, base = self._made.version, self._made
        if base is None:
            return None
        left = {name: getattr(base, name) for name in (*sent_fields(command.fields), *NAMES) if name in self._steps}
        for name, value in left.items():
            for revision, was, now in self._steps[name]:
                if revision > version and value == was:
                    value = left[name] = now  # noqa: PLW2901 (the next step starts from it)
        return structs.replace(base, **left)

    def seen_by_device(self, seen: Entity) -> Entity:
        """What the device had read with what it sent since: to send that again is an echo, to take it back is not."""
        sent: dict[str, object] = {}
        for revision, fields in self.sent:
            if revision > seen.version:
                sent |= fields
        return structs.replace(seen, **sent) if sent else seen
