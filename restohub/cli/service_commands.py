"""The commands `restohub service install` and `restohub service show`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .terminal import print_error

service = typer.Typer(
    help="Start the hub with the machine: as a service of systemd, launchd (macOS) or the Task Scheduler (Windows).",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Platform(StrEnum):
    """Who starts programs at boot."""

    LINUX = "linux"
    MACOS = "macos"
    WINDOWS = "windows"


@service.command(short_help="Make the hub a service of systemd, enable it and start it.")
def install(
    to: Annotated[Path | None, typer.Option(help="Only write the unit into this folder; enable nothing.")] = None,
    backup_to: Annotated[
        list[Path] | None,
        typer.Option(help="A folder on another disk that gets a copy of each backup; may be given several times."),
    ] = None,
) -> None:
    """Make the hub a service of systemd, enable it and start it. Needs root; again after each upgrade."""
    from restohub.boot.install import UNIT_NAME, InstallError, installed_program, write_unit
    from restohub.boot.install import install as install_service

    places = [str(place.absolute()) for place in backup_to or ()]
    try:
        if to is not None:
            typer.echo(f"{write_unit(to, installed_program(), places)} is written.")
            return
        install_service(installed_program(), backup_to=places)
    except InstallError as error:
        print_error(str(error))
        raise typer.Exit(1) from None
    typer.echo(f"{UNIT_NAME} is enabled and runs. `systemctl status restohub` says how it is.")


@service.command(short_help="Print the file that starts the hub with the machine.")
def show(
    system: Annotated[Platform, typer.Option("--for", help="linux, macos or windows.")] = Platform.LINUX,
    program: Annotated[str | None, typer.Option(help="The program to start. [default: this one]")] = None,
) -> None:
    """Print the file that starts the hub with the machine."""
    from restohub.boot.install import InstallError, installed_program
    from restohub.boot.unit_files import launchd_job, scheduled_task, systemd_unit

    write = {Platform.LINUX: systemd_unit, Platform.MACOS: launchd_job, Platform.WINDOWS: scheduled_task}[system]
    try:
        typer.echo(write(program or str(installed_program())), nl=False)
    except InstallError as error:
        print_error(str(error))
        raise typer.Exit(1) from None
