"""The command line: every command by its name."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version as installed_version
from typing import Annotated

import typer

from .access_commands import access
from .audit import audit
from .backup_commands import backup, backups, make, restore
from .device_commands import devices
from .doctor import doctor
from .export import export
from .find import find
from .forget import forget
from .identity import identity
from .licences import licences
from .pair import pair
from .remove import remove
from .report_command import report
from .serve import serve
from .service_commands import service
from .simulate import simulate
from .staff_commands import staff
from .tls_commands import tls
from .verify import verify
from .where import where


def whole_first_line(command: Callable[..., None]) -> str:
    """What a list of commands says of one: its first line, which typer would cut to one of the terminal's."""
    return (command.__doc__ or "").partition("\n")[0]


cli = typer.Typer(
    name="restohub",
    help="The hub in a restaurant's back office: every iPad shows the same guests and tables, Internet or not.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
cli.add_typer(backup, name="backup", short_help=whole_first_line(make))
cli.add_typer(service, name="service", short_help="Start the hub with the machine.")
cli.add_typer(
    access, name="access", short_help="Close the hub to devices that are neither paired nor adopted, or open it again."
)
cli.add_typer(devices, name="devices", short_help="The devices that are paired: list, rename, revoke, confirm.")
cli.add_typer(staff, name="staff", short_help="The people of the staff and their PINs: list, add, pin, remove.")
cli.add_typer(tls, name="tls", short_help="Make another certificate of the hub's own.")
cli.add_typer(identity, name="identity", short_help="Give a copy of another hub's data an identity of its own.")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"restohub {installed_version('restohub')}")
        raise typer.Exit


@cli.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Hold the commands together."""


# In the order in which `--help` lists them.
for command in (
    serve,
    where,
    find,
    doctor,
    report,
    export,
    backups,
    restore,
    verify,
    pair,
    audit,
    remove,
    forget,
    simulate,
    licences,
):
    cli.command(short_help=whole_first_line(command))(command)


def main() -> None:
    """Run the command line."""
    cli()
