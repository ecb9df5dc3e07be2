"""The commands `restohub where` and `restohub find`."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from .terminal import say, stop, wrapped

T = TypeVar("T")

WIDE, PROGRESS_COLUMNS = 10_000, 50
NONE_FOUND = (
    "No hub was found within {seconds:g} s. Is one running, in this very network and not the guests' Wi-Fi? On its own "
    'machine `restohub where` says how it is reached; a router may keep devices apart ("client isolation").'
)


def where(
    data: Annotated[
        Path | None,
        # Not checked here: a folder that may not be read gets a sentence of its own.
        typer.Option(readable=False, help="Its data folder. [default: as `serve` finds it, else the service's]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Say where this machine's hub is, with a QR code.

    It names every address by which iPads reach the hub, and the folder of its data.
    """
    from restohub.net.running_hub import AbsentError, find_running
    from restohub.net.urls import COPY_ADVICE, reach

    from .banner import as_object, lines, say_to_person

    try:
        hub = find_running(data, os.environ)
    except AbsentError as error:
        stop(str(error))
    reached = reach(hub.endpoint, host=hub.health.discovery.host if hub.health.discovery else "")
    if as_json:
        typer.echo(json.dumps(as_object(hub, reached), indent=2))
        return
    if sys.stdout.isatty():
        say_to_person(hub.endpoint.name, reached, hub.folder, sys.stdout)
    else:
        say("\n".join(lines(hub.endpoint.name, reached, hub.folder)))
    if hub.health.discovery and hub.health.discovery.state == "failed":
        say(wrapped(f"iPads do not find it by themselves. {hub.health.discovery.reason}", sys.stdout))
    if hub.health.discovery and hub.health.discovery.copy_at:
        say(wrapped(COPY_ADVICE.format(at=hub.health.discovery.copy_at), sys.stdout))


def find(
    seconds: Annotated[float, typer.Option(min=0.5, max=60, help="How long to listen.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """List the hubs of this network, as iPads find them."""
    import msgspec

    from restohub.net.addresses import choose, links
    from restohub.net.mdns_advertise import fault_text
    from restohub.net.mdns_discover import discover

    from .hub_table import hub_table

    try:
        chosen = choose(links(), "::")
        if not chosen.speakers:
            stop(f"{chosen.reason} Connect it to the network of the iPads, then look again.")
        hubs = asyncio.run(_with_progress(discover(chosen.speakers, seconds), seconds))
    except OSError as error:
        stop(f"The network cannot be searched: {fault_text(error)}")
    except KeyboardInterrupt:
        sys.exit(130)
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(hubs), indent=2))
    elif hubs:
        say("\n".join(hub_table(hubs, shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE)))
    if not hubs:
        stop(NONE_FOUND.format(seconds=seconds))


async def _with_progress(looking: Coroutine[Any, Any, T], seconds: float) -> T:
    """What the search finds; meanwhile a line on the terminal says that it goes on."""
    if not sys.stderr.isatty():
        return await looking
    search = asyncio.ensure_future(looking)
    left = seconds
    while not search.done():
        goes_on = f"Looking for hubs in this network ... {left:.0f} s" if left > 0 else "Asking whether they answer ..."
        sys.stderr.write(f"\r{goes_on:<{PROGRESS_COLUMNS}}")
        sys.stderr.flush()
        await asyncio.wait([search], timeout=1)
        left -= 1
    sys.stderr.write(f"\r{'':<{PROGRESS_COLUMNS}}\r")
    sys.stderr.flush()
    return await search
