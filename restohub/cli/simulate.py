"""The command `restohub simulate`: plays an evening on a running hub."""

from __future__ import annotations

import asyncio
import math
import random
import sys
from typing import Annotated

import typer

from .terminal import exit_with_error


def simulate(
    url: Annotated[str, typer.Option(help="The hub.")] = "http://127.0.0.1:8000",
    speed: Annotated[float, typer.Option(min=0, help="Simulated minutes a second; 0 is as fast as it goes.")] = 10,
    seed: Annotated[int | None, typer.Option(help="The same seed plays the same evening. [default: any]")] = None,
    remove: Annotated[
        bool, typer.Option("--clear", help="Play nothing; remove every restaurant named 'Simulated evening'.")
    ] = False,
) -> None:
    """Play an evening of 240 parties on a running hub, in a new restaurant of its own.

    The restaurant stays, named 'Simulated evening', until `--clear` removes all that have this name, with their guests.
    """
    if not math.isfinite(speed):
        exit_with_error("--speed must be a number of simulated minutes a second, such as 10.")
    from restohub.simulate.clear import clear
    from restohub.simulate.client import AwayError
    from restohub.simulate.play import play

    work = clear(url) if remove else play(url, speed, random.randrange(10**6) if seed is None else seed)
    try:
        sys.exit(0 if asyncio.run(work) else 1)
    except AwayError as error:
        exit_with_error(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
