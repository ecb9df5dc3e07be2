"""This file is the commands."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import sys
from collections.abc import Callable
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from restohub.boot.commands import service
from restohub.config import Settings, SettingsError, settings
from restohub.doctor.commands import doctor
from restohub.identity import identity
from restohub.last_stop import forget_stop, note_stop
from restohub.licences import parts
from restohub.logs import start_log
from restohub.remove.commands import remove
from restohub.sentences import complain
from restohub.verify import verify
from restohub.where.commands import find, where

if TYPE_CHECKING:
    from restohub.live.place import Place

log = logging.getLogger("restohub")

cli = typer.Typer(
    name="restohub",
    help="The hub in a restaurant's back office: every iPad shows the same guests and tables, Internet or not.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
cli.add_typer(service, name="service", short_help="Start the hub with the machine.")
cli.add_typer(identity, name="identity", short_help="Give a copy of another hub's data an identity of its own.")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"restohub {installed_version('restohub')}")
        raise typer.Exit


@cli.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and end.")
    ] = False,
) -> None:
    """Hold the commands together."""


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 0.0.0.0, every one]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on. [default: 8000]")] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            readable=False,
            help="Folder that holds the data. [default: $STATE_DIRECTORY, else the platform's usual place]",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What this hub is called. [default: restohub]")] = None,
    advertise: Annotated[
        bool | None, typer.Option("--advertise/--no-advertise", help="Let iPads find the hub. [default: advertise]")
    ] = None,
    interface: Annotated[
        str | None, typer.Option(help="Network interface to be found on. [default: each that iPads may be on]")
    ] = None,
    log_format: Annotated[str | None, typer.Option(help="text for people, json for machines. [default: text]")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error. [default: info]")] = None,
    log_days: Annotated[int | None, typer.Option(help="Days of changes to keep for absent iPads. [default: 7]")] = None,
    log_revisions: Annotated[
        int | None, typer.Option(help="Changes of a restaurant to keep for them. [default: 100000]")
    ] = None,
    restaurants_max: Annotated[
        int | None, typer.Option(help="How many restaurants this hub may have. [default: 200]")
    ] = None,
    allowed_hosts: Annotated[
        str | None,
        typer.Option(help="Further names that the hub is opened by, with commas between them. [default: none]"),
    ] = None,
    allow_public: Annotated[
        bool | None,
        typer.Option("--allow-public/--no-allow-public", help="Answer the Internet as well. [default: no]"),
    ] = None,
    shared_addresses: Annotated[
        str | None,
        typer.Option(help="Addresses that many devices share, without limits of their own. [default: 127.0.0.1,::1]"),
    ] = None,
) -> None:
    """Run the hub until it is told to stop (Ctrl-C, SIGTERM).

    Each option is also an environment variable (RESTOHUB_PORT, RESTOHUB_LOG_FORMAT, ...) and a key of restohub.toml in
    the data folder (port = 8000, log_format = "json", advertise = false, ...). A flag wins over the environment, that
    over the file, that over the default.
    """
    flags = dict(locals())  # the options under their settings' names
    try:
        chosen = settings(flags)
    except SettingsError as error:
        stop(str(error))
    start_log(chosen.log_format, chosen.log_level, chosen.shared_addresses)
    sys.exit(_run(chosen))


def _run(chosen: Settings) -> int:
    from restohub.app import PortError  # the framework takes half of the time to start
    from restohub.app import serve as serve_hub
    from restohub.store.faults import (
        DatabaseError,
        StorageBackError,
        StorageFailedError,
        StorageFullError,
        StorageUnavailableError,
    )
    from restohub.store.format import FolderError
    from restohub.store.open import ServedError
    from restohub.store.rows import DamageError
    from restohub.where.running import port_taken, served_already
    from restohub.where.said import say_ready

    def ready(place: Place) -> None:
        forget_stop(chosen.data)
        say_ready(chosen, place)

    try:
        _loop_runner(serve_hub(chosen, ready))
        log.info("The hub has stopped; everything it answered is saved.")
    except ServedError:
        stop(served_already(chosen.data))
    except (FolderError, StorageBackError) as error:
        stop(str(error))
    except PortError as error:
        _ended(chosen, port_taken(chosen.host, chosen.port, chosen.data) or str(error))
    except DamageError as error:
        _ended(
            chosen,
            f"The data in {chosen.data} are damaged: {error}. The hub does not serve them. "
            "Keep a copy of the folder, and restore a backup.",
        )
    except (StorageFailedError, StorageFullError, StorageUnavailableError) as error:
        stop(f"The disk of {chosen.data} failed: {error}. Look after the disk, then start the hub again.")
    except (DatabaseError, OSError, UnicodeError) as error:
        _ended(chosen, f"The hub cannot go on with {chosen.data} on {chosen.host}: {error}.")
    return 0


def _ended(chosen: Settings, sentence: str) -> None:
    """Stop, with a note for `restohub doctor`; not where the disk failed or another hub holds the folder."""
    note_stop(chosen.data, sentence)
    stop(sentence)


def _loop_runner(main: Any) -> None:
    """Run on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:  # Windows has none
        asyncio.run(main)
    else:
        uvloop.run(main)


def simulate(
    url: Annotated[str, typer.Option(help="The hub.")] = "http://127.0.0.1:8000",
    speed: Annotated[float, typer.Option(min=0, help="Simulated minutes a second; 0 is as fast as it goes.")] = 10,
    seed: Annotated[int | None, typer.Option(help="The same number, the same evening. [default: any]")] = None,
    remove: Annotated[
        bool, typer.Option("--clear", help="Play none: remove every restaurant that is named 'Simulated evening'.")
    ] = False,
) -> None:
    """Play an evening of 240 parties on a running hub, in a new restaurant of its own.

    The restaurant stays, named 'Simulated evening', until `--clear` removes all that have this name, with their guests.
    """
    if not math.isfinite(speed):
        stop("--speed must be a number of simulated minutes a second, such as 10.")
    from restohub.simulate.clear import clear
    from restohub.simulate.client import AwayError
    from restohub.simulate.play import play

    work = clear(url) if remove else play(url, speed, random.randrange(10**6) if seed is None else seed)
    try:
        sys.exit(0 if asyncio.run(work) else 1)
    except AwayError as error:
        stop(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def licences() -> None:
    """Print all that this program is made of, each part with its licence, word for word."""
    for part in parts():
        typer.echo(f"{part.name}\n{'=' * len(part.name)}\n\n{part.text.strip()}\n\n")


def stop(sentence: str) -> None:
    """Say on stderr what is wrong, and end with status 1."""
    complain(sentence)
    sys.exit(1)


def whole_first_line(command: Callable[..., None]) -> str:
    """What a list of commands says of one: its first line, which typer would cut to one of the terminal's."""
    return (command.__doc__ or "").partition("\n")[0]


# In the order in which `--help` lists them.
for command in (serve, where, find, doctor, verify, remove, simulate, licences):
    cli.command(short_help=whole_first_line(command))(command)


def main() -> None:
    """Run the command line."""
    cli()
