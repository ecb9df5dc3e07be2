"""The command `restohub where`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from .options import AsJson
from .terminal import exit_with_error, print_text, wrapped


def where(
    data: Annotated[
        Path | None,
        # Not checked here: a folder that may not be read gets a sentence of its own.
        typer.Option(readable=False, help="Its data folder. [default: as `serve` finds it, else the service's]"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say where this machine's hub is, with a QR code.

    It names every address by which iPads reach the hub, and the folder of its data.
    """
    from restohub.net.running_hub import NoRunningHubError, find_running
    from restohub.net.urls import COPY_ADVICE, hub_urls

    from .banner import as_json_object, print_banner, ready_lines

    try:
        hub = find_running(data, os.environ)
    except NoRunningHubError as error:
        exit_with_error(str(error))
    reached = hub_urls(hub.endpoint, host=hub.health.discovery.host if hub.health.discovery else "")
    if as_json:
        typer.echo(json.dumps(as_json_object(hub, reached), indent=2))
        return
    if sys.stdout.isatty():
        print_banner(hub.endpoint.name, reached, hub.folder, sys.stdout)
    else:
        print_text("\n".join(ready_lines(hub.endpoint.name, reached, hub.folder)))
    if hub.health.discovery and hub.health.discovery.state == "failed":
        print_text(wrapped(f"iPads do not find it by themselves. {hub.health.discovery.reason}", sys.stdout))
    if hub.health.discovery and hub.health.discovery.copy_at:
        print_text(wrapped(COPY_ADVICE.format(at=hub.health.discovery.copy_at), sys.stdout))
