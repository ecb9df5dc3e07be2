"""The command `restohub simulate`: plays an evening on a running hub."""

from __future__ import annotations

import asyncio
import math
import os
import random
import sys
from pathlib import Path
from typing import Annotated

import typer

from .terminal import exit_with_error

TOKEN = "RESTOHUB_TOKEN"


def simulate(
    url: Annotated[str, typer.Option(help="The hub.")] = "http://127.0.0.1:8000",
    speed: Annotated[float, typer.Option(min=0, help="Simulated minutes a second; 0 is as fast as it goes.")] = 10,
    seed: Annotated[int | None, typer.Option(help="The same seed plays the same evening. [default: any]")] = None,
    remove: Annotated[
        bool, typer.Option("--clear", help="Play nothing; remove every restaurant named 'Simulated evening'.")
    ] = False,
    token: Annotated[
        Path | None,
        typer.Option(help=f"A file with a manager's token, for a closed hub. [default: what {TOKEN} holds]"),
    ] = None,
    pin: Annotated[
        str,
        typer.Option(help="SHA-256 of the certificate of a hub at https://. [default: as this machine's hub has it]"),
    ] = "",
    data: Annotated[
        Path | None,
        typer.Option(readable=False, help="The data folder of a hub on this machine. [default: as for pair]"),
    ] = None,
) -> None:
    """Play an evening of 240 parties on a running hub, in a new restaurant of its own.

    The restaurant stays, named 'Simulated evening', until `--clear` removes all that have this name, with their guests.
    A closed hub asks for a token; one that runs on this machine, for this user or root, needs none.
    """
    if not math.isfinite(speed):
        exit_with_error("--speed must be a number of simulated minutes a second, such as 10.")
    secure = url.lower().startswith("https://")
    if pin and not secure:
        exit_with_error(f"--pin is for a hub at https://, and not {url!r}.")
    from restohub.simulate.clear import clear
    from restohub.simulate.client import AwayError, pinned
    from restohub.simulate.play import play

    own_token, own_pin = _of_this_machine(url, data)
    shown, pin = _token(token) or own_token, pin or own_pin
    chosen = random.randrange(10**6) if seed is None else seed
    try:
        tls = pinned(url, pin) if pin and secure else None
        work = clear(url, shown, tls) if remove else play(url, speed, chosen, shown, tls)
        sys.exit(0 if asyncio.run(work) else 1)
    except AwayError as error:
        exit_with_error(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _token(file: Path | None) -> str:
    """The token that is named, "" where none is: never on the command line, which everyone on a machine can see."""
    if file is None:
        return os.environ.get(TOKEN, "").strip()
    try:
        return file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        exit_with_error(f"The file with the token, {file}, cannot be read ({error}).")


def _of_this_machine(url: str, data: Path | None) -> tuple[str, str]:
    """The machine's own token and its certificate's SHA-256, where the URL is that of this machine's hub; "" otherwise.

    The token is for a closed one alone.

    By the address alone: any hub could say that it is this one.
    """
    from urllib.parse import urlsplit

    from restohub.net.machine_token import read_machine_token
    from restohub.net.running_hub import NoRunningHubError, find_running
    from restohub.net.urls import own_address

    try:
        hub = find_running(data, os.environ)
        asked = urlsplit(url if "//" in url else f"http://{url}")
        secure = asked.scheme == "https"
        here = (own_address(hub.endpoint), hub.endpoint.tls_port if secure else hub.endpoint.port)
        there = (
            "127.0.0.1" if asked.hostname == "localhost" else asked.hostname,
            asked.port or (443 if secure else 80),
        )
        if there != here:
            return "", ""
        token = read_machine_token(hub.folder) if hub.health.access == "closed" else ""
        return token, hub.endpoint.fingerprint
    except (NoRunningHubError, PermissionError, ValueError):
        return "", ""
