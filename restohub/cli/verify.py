"""The command `restohub verify`: checks whether a folder's data are sound, and changes nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from .options import AsJson
from .terminal import print_error

if TYPE_CHECKING:
    from restohub.store.verification import Defect, VerificationReport


def verify(
    data: Annotated[Path, typer.Argument(help="The data folder of a stopped hub, or a copy of one.")],
    as_json: AsJson = False,
) -> None:
    """Read every row, commit and checksum of a stopped hub's data and say whether they are sound; change nothing."""
    from restohub.store.data_folder import FolderError
    from restohub.store.verification import verify_folder

    try:
        report = verify_folder(data, _progress if sys.stderr.isatty() else _in_silence)
    except FolderError as error:
        print_error(str(error))
        sys.exit(1)
    typer.echo(msgspec.json.encode(report).decode() if as_json else _in_words(report, data))
    sys.exit(0 if report.sound else 1)


def _in_words(report: VerificationReport, data: Path) -> str:
    from restohub.store.verification import FAULTS_MAX

    if report.sound:
        return (
            f"The data in {data} are sound: {_many(report.restaurants, 'restaurant')}, "
            f"{_many(report.guests, 'guest')} and {_many(report.tables, 'table')} on the floor, "
            f"{_many(report.commits, 'commit')} in the log."
        )
    lines = [_line(fault) for fault in report.faults]
    if len(lines) >= FAULTS_MAX:
        lines.append("There may be more.")
    return "\n".join(
        [*lines, f"The data in {data} are damaged. Keep a copy of the folder as it is, and restore a backup."]
    )


def _line(fault: Defect) -> str:
    where = [] if fault.restaurant_id is None else [f"restaurant {fault.restaurant_id}"]
    if fault.revision is not None:
        where.append(f"revision {fault.revision}")
    if fault.entity_id is not None:
        where.append(f"{fault.kind} {fault.entity_id}")
    return f"{', '.join(where)}: {fault.detail}" if where else fault.detail


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _progress(done: int, total: int) -> None:
    sys.stderr.write(f"\r{done:,} of {total:,} commits read")
    if total - done < 5000:
        sys.stderr.write("\r\033[K")
    sys.stderr.flush()


def _in_silence(done: int, total: int) -> None:
    """Nobody watches."""
