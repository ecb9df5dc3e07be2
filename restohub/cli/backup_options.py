"""What the commands around backups share: their options, and the folder and settings that they mean."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from restohub.config import Settings, SettingsError, chosen_folder, default_folder, settings

from .terminal import exit_with_error

DATA = typer.Option(readable=False, help="Folder that holds the data. [default: as for serve, else the service's]")
JSON = typer.Option("--json", help="Print JSON, for scripts.")
KEY = typer.Option(readable=False, help="The file with the secret key of encrypted backups.")


def chosen_data(flag: Path | None) -> Path:
    """The data folder: as for serve, else the service's where it alone has data."""
    from restohub.net.running_hub import SERVICE_FOLDER
    from restohub.store.data_folder import DATABASE

    named = chosen_folder(flag, os.environ)
    if named is not None:
        return named
    usual = default_folder()
    return SERVICE_FOLDER if not usual.exists() and os.access(SERVICE_FOLDER / DATABASE, os.R_OK) else usual


def chosen_settings(flag: Path | None) -> Settings:
    """The settings of that folder, or the end of the command with what is wrong with them."""
    try:
        return settings({"data": chosen_data(flag)})
    except SettingsError as error:
        exit_with_error(str(error))
