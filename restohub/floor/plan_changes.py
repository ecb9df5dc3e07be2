"""The plan of the floor: which commands change it, not only what happens on it."""

from __future__ import annotations

from .commands import CloseDay, DirectoryCommand, Operation, TableFields, Update
from .merging import merged_table, without_echoes
from .model import Floor
from .outcomes import Refused

# Of a table what stays from one evening to the next. Section, server and notes change with the shift.
PLANNED = ("table_number", "capacity", "min_capacity", "position", "shape", "rotation")


def changes_plan(floor: Floor, command: Operation | CloseDay | DirectoryCommand | Refused) -> bool:
    """Whether a command makes or removes a table, or changes what the plan says of one.

    An app that sends a table back whole with another status changes nothing of the plan.
    """
    if isinstance(command, Refused | CloseDay | DirectoryCommand) or command.kind != "table":
        return False
    if not isinstance(command, Update):
        return True
    present = floor.tables.get(command.id)
    if present is None or not isinstance(command.fields, TableFields):
        return False
    after = merged_table(present, without_echoes(command.fields, present, command.seen))
    return any(getattr(after, name) != getattr(present, name) for name in PLANNED)
