"""The command `restohub identity new`: a copy of a hub's data becomes a hub of its own."""

from __future__ import annotations

import os
from importlib.metadata import version as installed_version

import msgspec
import typer

from restohub.config import chosen_folder, default_folder

from .options import AsJson, DataAsServe
from .terminal import exit_with_error

identity = typer.Typer(
    help="The hub's identity: the id by which iPads know it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@identity.callback()
def root() -> None:
    """Hold the commands together."""


@identity.command(short_help="Give a stopped hub's data an identity of their own.")
def new(
    data: DataAsServe = None,
    as_json: AsJson = False,
) -> None:
    """Give a stopped hub's data an identity of their own, as where they are a copy of another hub's.

    The hub gets a new id (and with it another `.local` name) and a new epoch, so that no iPad takes it for the
    original. Guests, tables and settings stay. The exit status is 0 where it is done, else 1.
    """
    from restohub.live.clock import new_epoch, new_id
    from restohub.live.ports import StorageFailedError, StorageFullError, StorageUnavailableError
    from restohub.net.urls import host_name
    from restohub.store.codec import DamageError
    from restohub.store.data_folder import FolderError
    from restohub.store.errors import DatabaseError
    from restohub.store.hub_identity import Identity, give_identity

    os.umask(0o077)  # as the hub itself: what it makes is its own user's alone
    folder = chosen_folder(data, os.environ) or default_folder()
    made = Identity(new_id(), new_epoch())
    try:
        old = give_identity(folder, made, installed_version("restohub"))
    except FolderError as error:
        exit_with_error(str(error))
    except DamageError as error:
        exit_with_error(f"The data in {folder} are damaged: {error}. Nothing was changed. `restohub verify` says more.")
    except (StorageFailedError, StorageFullError, StorageUnavailableError, DatabaseError, OSError) as error:
        exit_with_error(f"The disk of {folder} cannot be written: {error}. Nothing was changed.")
    if as_json:
        told = {"data": str(folder.absolute()), "old": msgspec.to_builtins(old), "new": msgspec.to_builtins(made)}
        typer.echo(msgspec.json.format(msgspec.json.encode(told)).decode())
        return
    typer.echo(
        f"The hub in {folder.absolute()} was {old.id} ({host_name(old.id)}).\n"
        f"It is {made.id} ({host_name(made.id)}) from its next start on."
    )
