"""The command `restohub backup key`: a key to which backups are encrypted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from .backup_options import DATA, chosen_settings
from .terminal import exit_with_error

SHOWN = """\
Backups are encrypted from now on, to the public key {public}
(backup_key in {toml}).

This is its secret half. It is shown this once, and is kept nowhere:

{secret}

Write it down, or keep it in a file on another machine, not on this one: whoever takes this machine must not have it.
Without it nobody can open the backups, you neither. Try it once: restohub restore --check --key KEYFILE BACKUP"""


def key(context: typer.Context, data: Annotated[Path | None, DATA] = None) -> None:
    """Make the key to which backups are encrypted from now on, and show its secret half, this once.

    The public half goes into restohub.toml as `backup_key`; it can only encrypt. The secret half opens the backups,
    here (`--key FILE`) or with the program `age`, and is kept nowhere: without it they cannot be opened by anybody.
    """
    from restohub.store.backup_file import BackupError
    from restohub.store.encryption import new_pair

    os.umask(0o077)
    chosen = chosen_settings(data or context.obj)
    if chosen.backup_key is not None:
        exit_with_error(
            f"Backups are encrypted already, to {chosen.backup_key}. For another key remove `backup_key` from "
            f"{chosen.data / 'restohub.toml'} first; what was made so far opens with the old one's secret half alone."
        )
    try:
        pair = new_pair()
        keep_setting(chosen.data, "backup_key", pair.public)
    except BackupError as error:
        exit_with_error(str(error))
    except OSError as error:
        exit_with_error(f"{chosen.data / 'restohub.toml'} cannot be written ({error.strerror}).")
    typer.echo(SHOWN.format(public=pair.public, toml=chosen.data / "restohub.toml", secret=pair.secret))


def keep_setting(folder: Path, name: str, value: str) -> None:
    """Write a setting that is not there yet into a folder's restohub.toml, whole or not at all; raises OSError."""
    from restohub.config import FILE
    from restohub.store.backup_file import sync_folder, synced
    from restohub.store.backup_folder import give_to_owner

    toml, new = folder / FILE, folder / f".{FILE}.new"
    before = toml.read_text("utf-8-sig") if toml.exists() else ""
    with new.open("wb") as file:
        file.write(f'{before.rstrip()}\n{name} = "{value}"\n'.lstrip().encode())
        synced(file)
    if toml.exists():
        new.chmod(toml.stat().st_mode & 0o777)
    give_to_owner(new, toml if toml.exists() else folder)
    new.replace(toml)
    sync_folder(folder)
