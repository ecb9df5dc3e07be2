"""The command `restohub export`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from .options import DataAsServe
from .terminal import exit_with_error

if TYPE_CHECKING:
    from restohub.floor.model import Floor
    from restohub.live.ports import History

GUESTS, VISITS = "guests.csv", "visits.csv"


def export(
    csv: Annotated[bool, typer.Option("--csv", help="As CSV, the one form that there is.")] = False,
    to: Annotated[Path, typer.Option(help="The folder for the files.", file_okay=False)] = Path(),
    data: DataAsServe = None,
) -> None:
    """Write the guests on the floor and all visits as tables for a spreadsheet.

    `guests.csv` has names and contacts: keep it where only you can read it. `visits.csv` has neither. Both are UTF-8;
    times are UTC. Whether the hub runs or not does not matter; a file that is there already is not written over.
    """
    import asyncio

    from restohub.live.ports import StorageFailedError
    from restohub.store.codec import DamageError
    from restohub.store.data_folder import FolderError
    from restohub.store.errors import DatabaseError, UnseenError

    from .backup_options import chosen_data

    if not csv:
        exit_with_error("Run it with --csv: that is the one form in which there is an export.")
    os.umask(0o077)
    try:
        guests, visits = asyncio.run(_export(chosen_data(data), to))
    except (FolderError, UnseenError, DamageError, StorageFailedError, DatabaseError) as error:
        exit_with_error(f"{error} Nothing was exported.")
    except FileExistsError as error:
        exit_with_error(f"{error.filename} is there already. Move it, or name another folder with --to.")
    except OSError as error:
        exit_with_error(f"The export cannot be written to {to} ({error.strerror}).")
    typer.echo(f"{to / GUESTS}: guests {guests:,}. {to / VISITS}: visits {visits:,}.")
    sys.exit(0)


async def _export(folder: Path, to: Path) -> tuple[int, int]:
    """Write both files, whole or not at all, and say how many guests and visits they have."""
    from restohub.store.folder_reading import reading

    made: list[Path] = []
    async with reading(folder) as (loaded, history):
        to.mkdir(parents=True, exist_ok=True)
        try:
            with _new(to / GUESTS, made) as guests, _new(to / VISITS, made) as visits:
                counts = [await _write(guests, visits, one, history) for one in loaded.floors.values()]
        except BaseException:
            for path in made:
                path.unlink(missing_ok=True)
            raise
    return sum(one for one, _ in counts), sum(one for _, one in counts)


def _new(path: Path, made: list[Path]) -> TextIO:
    """A new file with its heading; raises FileExistsError."""
    from restohub.reports.spreadsheet import GUEST_COLUMNS, MARK, VISIT_COLUMNS, rows_as_csv

    file = path.open("x", encoding="utf-8", newline="")
    made.append(path)
    heading = VISIT_COLUMNS if path.name == VISITS else ("restaurantId", *GUEST_COLUMNS)
    file.write(MARK + rows_as_csv([heading]))
    return file


async def _write(guests: TextIO, visits: TextIO, floor: Floor, history: History) -> tuple[int, int]:
    """Write what one restaurant has."""
    from restohub.live.ports import DAY_S
    from restohub.reports.making import read_visits
    from restohub.reports.spreadsheet import guest_cells, rows_as_csv, visit_cells
    from restohub.wire.times import EARLIEST, LATEST

    guests.write(rows_as_csv(guest_cells(floor.restaurant_id, guest) for guest in floor.guests.values()))
    count = 0
    async for some in read_visits(history, floor, EARLIEST, LATEST + DAY_S):
        visits.write(rows_as_csv(visit_cells(floor.restaurant_id, visit) for visit in some))
        count += len(some)
    return len(floor.guests), count
