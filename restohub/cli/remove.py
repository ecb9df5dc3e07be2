"""The command `restohub remove`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def remove(
    address: Annotated[str, typer.Option("--from", help="The address that made it, such as 192.168.1.66.")],
    since: Annotated[str, typer.Option(help="From when on: 2h, 30m, 1d, or a time such as 2026-11-23T18:00.")],
    data: Annotated[
        Path | None,
        typer.Option(readable=False, help="The hub's data folder. [default: as `serve` finds it, else the service's]"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for scripts; without --yes nothing is removed.")
    ] = False,
) -> None:
    """Remove the guests, tables and restaurants that one address made since a time, while the hub runs.

    It lists them and asks first. The exit status is 0 where all of it is gone, else 1.
    """
    import msgspec

    from restohub.net.running_hub import NoRunningHubError

    from .address_cleanup import is_confirmed, made_by_address, print_found, print_removed, remove_all
    from .hub_client import HubError, running_hub
    from .terminal import print_error, print_text

    removed = None
    try:
        _, hub = running_hub(data)
        found = made_by_address(hub, address, since)
        there = found["restaurants"]
        if not as_json:
            print_found(found)
        if there and (yes or (not as_json and is_confirmed())):
            removed = remove_all(hub, there)
    except (NoRunningHubError, HubError) as error:
        print_error(str(error))
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps({"found": found, "removed": msgspec.to_builtins(removed)}, indent=2))
    elif removed is not None:
        print_removed(removed)
    elif there:
        print_text("Nothing was removed.")
    raise typer.Exit(0 if not there or (removed is not None and not removed.kept) else 1)
