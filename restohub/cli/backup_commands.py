"""The commands `restohub backup`, `restohub backups` and `restohub restore`."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from restohub.config import BESIDE_HUB, Settings
from restohub.doctor.machine_clock import local_time_text

from .backup_key import key as make_key
from .backup_options import DATA, JSON, KEY, chosen_data, chosen_settings
from .terminal import exit_with_error, print_error

if TYPE_CHECKING:
    from restohub.store.backup import Made
    from restohub.store.backup_folder import Backup

# A line of progress is shown after so long.
PATIENCE_S = 2.0
DEVICES_BACK = (
    "So are the devices ({}). Once the hub runs, see `restohub devices list`: revoke again who was revoked since, then "
    "say `restohub devices confirm --all`. Until then managers work as hosts."
)
backup = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


@backup.callback()
def make(
    context: typer.Context,
    to: Annotated[
        list[Path] | None,
        typer.Option(
            help="A folder on another disk that gets a copy, and is set up for it; may be given several times."
        ),
    ] = None,
    renew: Annotated[
        bool, typer.Option("--renew", help="Then remove all older backups, in each place that has the new one.")
    ] = False,
    data: Annotated[Path | None, DATA] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Make a backup of the hub's data now, whether the hub runs or not.

    It lies in the folder `backups` of the data folder, and in each place of `backup_to`. It gets its name only after
    all of it was read again and found sound; old ones make room for it. The hub makes one by itself every night. The
    exit status is 0 where it was made and lies in every place, else 1.
    """
    if context.invoked_subcommand is not None:
        context.obj = data
        return
    os.umask(0o077)
    give_way()
    chosen = chosen_settings(data)
    new = [place.absolute() for place in to or ()]
    made = _make(chosen, new, renew)
    if as_json:
        typer.echo(msgspec.json.encode(made, enc_hook=str).decode())
    else:
        _say_made(made, chosen, [str(place) for place in new])
    faults = [one.fault for one in made.places if one.fault is not None]
    for fault in faults:
        print_error(f"The backup is made, but not everywhere: {fault}")
    sys.exit(1 if faults else 0)


def _make(chosen: Settings, new: list[Path], renew: bool) -> Made:
    """The backup that was made, or the end of the command with why there is none."""
    from restohub.live.clock import Clock
    from restohub.store.backup import Wish, make_backup
    from restohub.store.backup_file import BackupError
    from restohub.store.codec import DamageError
    from restohub.store.data_folder import FolderError

    places = [Path(place) for place in chosen.backup_to if Path(place) not in new]
    now, version = Clock().now(), installed_version("restohub")
    beside = BESIDE_HUB in os.environ
    wish = Wish(chosen.data, now, version, chosen.backup_days, places, new, chosen.backup_key, renew, beside)
    try:
        with Pace("copied and packed", rests=True) as pace:
            return make_backup(wish, pace)
    except (BackupError, FolderError) as error:
        exit_with_error(str(error))
    except DamageError as error:
        exit_with_error(
            f"No backup was made, since the data in {chosen.data} are damaged: {error}. Older backups were kept."
        )


backup.command("key", short_help="Make the key to which backups are encrypted.")(make_key)


def backups(
    key: Annotated[Path | None, KEY] = None,
    data: Annotated[Path | None, DATA] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """List the backups that there are: when, up to which revision, how large, whether sound, where.

    Each was read in full before it got its name; here its beginning and its length are looked at. `restohub restore
    --check FILE` reads all of one. With --key, each encrypted one is tried with that key.
    """
    from restohub.store.backup_folder import all_backups

    chosen = chosen_settings(data)
    found = [one if key is None else _tried(one, key) for one in all_backups(chosen.data, chosen.backup_to)]
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode([_row(one) for one in found])).decode())
        return
    if not found:
        typer.echo(f"There is no backup of the data in {chosen.data} yet. `restohub backup` makes one.")
    for one in found:
        typer.echo(_line(one))


def restore(
    file: Annotated[Path, typer.Argument(help="A backup, as `restohub backups` lists it.")],
    data: Annotated[Path | None, DATA] = None,
    check: Annotated[bool, typer.Option("--check", help="Only read it and say whether it is sound.")] = False,
    key: Annotated[Path | None, KEY] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Put a backup in the place of a stopped hub's data.

    First all of it is read and checked; a damaged one, another hub's or one of a newer restohub is refused, and the
    folder stays as it is. What was there before is set aside in the data folder for 7 days. At the next start every
    iPad takes the whole floor anew. The exit status is 0 where it is done, else 1.
    """
    from restohub.live.clock import Clock
    from restohub.store.backup_file import BackupError
    from restohub.store.data_folder import FolderError
    from restohub.store.errors import DatabaseError
    from restohub.store.restore import Restored, check_backup
    from restohub.store.restore import restore as put_back

    os.umask(0o077)
    folder = chosen_data(data)
    try:
        with Pace("unpacked and read", rests=False) as pace:
            if check:
                done = Restored(check_backup(file, pace, key), None)
            else:
                done = put_back(file, folder, Clock().now(), pace, key)
    except (BackupError, FolderError) as error:
        exit_with_error(str(error))
    except (DatabaseError, OSError) as error:
        exit_with_error(f"The backup cannot be restored to {folder}: {error}. The data are as they were.")
    if as_json:
        typer.echo(msgspec.json.encode({"checked_only": check, "restored": done}, enc_hook=str).decode())
        return
    what = f"of {local_time_text(done.manifest.time)}, up to revision {done.manifest.revisions:,}"
    if check:
        typer.echo(f"The backup {file} is sound: the data of hub {done.manifest.hub} {what}.")
        return
    typer.echo(f"The data {what}, are back in {folder}. Start the hub: every iPad takes the whole floor anew.")
    if done.set_aside is not None:
        typer.echo(f"What was there before lies in {done.set_aside} for 7 days.")
    if done.devices:
        typer.echo(DEVICES_BACK.format(done.devices))


class Pace:
    """Rests between the steps of what must not be in the hub's way, and shows on a terminal how far it is.

    Raises BackupError where a backup takes for ever.
    """

    def __init__(self, done: str, rests: bool) -> None:
        from restohub.live.clock import Clock

        self._clock = Clock()
        self._done = done
        self._rests = rests
        self._bytes = 0
        self._shown = False

    def __call__(self, done: int) -> None:
        """So many more bytes are done."""
        from restohub.limits import BACKUP_PAUSE_S, BACKUP_READING_S
        from restohub.store.backup_file import BackupError

        self._bytes += done
        took_s = self._clock.monotonic() - self._clock.started
        if took_s > PATIENCE_S and sys.stderr.isatty():
            self._shown = True
            sys.stderr.write(f"\r{self._bytes / 1e6:,.0f} MB {self._done}")
            sys.stderr.flush()
        if self._rests:
            if took_s > BACKUP_READING_S:
                raise BackupError("The backup took for longer than 15 minutes and was given up: the disk is too slow.")
            time.sleep(BACKUP_PAUSE_S)

    def __enter__(self) -> Pace:
        return self

    def __exit__(self, *_: object) -> None:
        """Clear the line."""
        if self._shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()


def give_way() -> None:
    """Work only where nobody else wants the processor; where that may not be asked for (an older unit), go on."""
    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(19)


def _say_made(made: Made, chosen: Settings, new: list[str]) -> None:
    size = f"{made.size_bytes / 1e6:.1f} MB"
    typer.echo(f"The backup {made.path} is made: {size}, up to revision {made.manifest.revisions:,}, found sound.")
    for one in made.places:
        if one.fault is None:
            typer.echo(f"A copy lies in {one.place}.")
    if unnamed := [place for place in new if place not in chosen.backup_to]:
        listed = ", ".join(f'"{place}"' for place in (*chosen.backup_to, *unnamed))
        typer.echo(f"For a copy every night, write this into {chosen.data / 'restohub.toml'}: backup_to = [{listed}]")


def _tried(one: Backup, key: Path) -> Backup:
    """A backup as its beginning says, once it was decrypted with this key."""
    from restohub.store.backup_file import BackupError
    from restohub.store.backup_folder import Backup
    from restohub.store.restore import manifest_of

    try:
        return Backup(one.path, one.number, one.path.stat().st_size, manifest_of(one.path, key), None)
    except (BackupError, OSError) as error:
        return Backup(one.path, one.number, one.size_bytes, fault=str(error))


def _row(one: Backup) -> dict[str, object]:
    from restohub.wire.times import time_text

    told = one.manifest
    return {
        "time": None if told is None else time_text(told.time),
        "revisions": None if told is None else told.revisions,
        "hub": None if told is None else told.hub,
        "size_bytes": one.size_bytes,
        "audited": told is not None,
        "path": str(one.path),
        "fault": one.fault,
    }


def _line(one: Backup) -> str:
    if one.manifest is None:
        return f"{'not good':20}  {one.fault}"
    size = f"{one.size_bytes / 1e6:.1f} MB"
    when, revision = local_time_text(one.manifest.time), f"revision {one.manifest.revisions:>11,}"
    return f"{when:20}  {revision}  {size:>9}  audited  {one.path}"
