"""The command `restohub find`."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

import typer

from .options import AsJson
from .terminal import exit_with_error, print_text

T = TypeVar("T")

WIDE, PROGRESS_COLUMNS = 10_000, 50
NONE_FOUND = (
    "No hub was found within {seconds:g} s. Is one running, in this very network and not the guests' Wi-Fi? On its own "
    'machine `restohub where` says how it is reached; a router may keep devices apart ("client isolation").'
)


def find(
    seconds: Annotated[float, typer.Option(min=0.5, max=60, help="How long to listen.")] = 3,
    as_json: AsJson = False,
) -> None:
    """List the hubs of this network, as iPads find them."""
    import msgspec

    from restohub.net.addresses import choose_addresses, machine_interfaces
    from restohub.net.mdns_advertise import fault_text
    from restohub.net.mdns_discover import discover

    from .hub_table import hub_table

    try:
        chosen = choose_addresses(machine_interfaces(), "::")
        if not chosen.speakers:
            exit_with_error(f"{chosen.reason} Connect it to the network of the iPads, then look again.")
        hubs = asyncio.run(_with_progress(discover(chosen.speakers, seconds), seconds))
    except OSError as error:
        exit_with_error(f"The network cannot be searched: {fault_text(error)}")
    except KeyboardInterrupt:
        sys.exit(130)
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(hubs), indent=2))
    elif hubs:
        print_text("\n".join(hub_table(hubs, shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE)))
    if not hubs:
        exit_with_error(NONE_FOUND.format(seconds=seconds))


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
