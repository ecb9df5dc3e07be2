"""The command `restohub doctor`."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
from importlib.metadata import version as installed_version
from typing import Annotated

import typer

from restohub.config import Settings, SettingsError, settings
from restohub.doctor.report import Check, check_lines, json_text, make_report, printable_in, summary

from .options import AsJson, DataAsServe

WIDTH_MAX = 100


def doctor(
    data: DataAsServe = None,
    port: Annotated[int | None, typer.Option(help="Port of the hub. [default: 8000]")] = None,
    host: Annotated[str | None, typer.Option(help="Address it listens on. [default: 0.0.0.0, every one]")] = None,
    name: Annotated[str | None, typer.Option(help="What the hub is called. [default: restohub]")] = None,
    interface: Annotated[
        str | None, typer.Option(help="Network interface to be found on. [default: each that iPads may be on]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say whether everything is well with this hub, and what to do where it is not; in seconds, running or not.

    The exit status is 0 where nothing is wrong (warnings are allowed), else 1. Nothing is changed.
    """
    given = {"data": data, "port": port, "host": host, "name": name, "interface": interface}
    # What it has to say of other hubs' packets is no finding.
    logging.getLogger("zeroconf").setLevel(logging.CRITICAL)
    screen = Screen(silent=as_json)
    try:
        chosen = settings(given)
    except SettingsError as error:
        fix = "Until this is right the hub does not start. If another user runs it (a service does), ask with sudo."
        checks = [Check("settings", "wrong", str(error), fix)]
        screen.line(checks[0])
        folder = str(data or "")
    else:
        folder = str(chosen.data)
        screen.title(chosen)
        checks = asyncio.run(_examined(chosen, screen))
    whole = make_report(installed_version("restohub"), folder, checks)
    if as_json:
        typer.echo(json_text(whole))
    else:
        screen.end(summary(whole))
    raise typer.Exit(0 if whole.ok else 1)


async def _examined(chosen: Settings, screen: Screen) -> list[Check]:
    from restohub.doctor.checks import run_checks

    checks = []
    async for check in run_checks(chosen, screen.progress):
        checks.append(check)
        screen.line(check)
    return checks


class Screen:
    """Where the lines go: a terminal, with a passing word of what takes long, or a pipe, with lines alone."""

    def __init__(self, silent: bool) -> None:
        self._silent = silent
        self._terminal = sys.stdout.isatty() and not silent
        self._encoding = sys.stdout.encoding or "ascii"
        self._width = min(shutil.get_terminal_size().columns, WIDTH_MAX) - 1 if self._terminal else None
        self._passing = ""

    def title(self, chosen: Settings) -> None:
        """What is looked at."""
        self._say(f"restohub {installed_version('restohub')}, with its data in {chosen.data}")
        self._say("")

    def line(self, check: Check) -> None:
        """One check."""
        if not self._silent:
            sys.stdout.write("\n".join([*check_lines(check, self._encoding, self._width), ""]))
            sys.stdout.flush()

    def end(self, text: str) -> None:
        """The sum."""
        self._say("")
        self._say(text)

    def progress(self, doing: str) -> None:
        """What takes long, on a terminal and until the next line."""
        if self._terminal and (doing or self._passing):
            blank = " " * len(self._passing)
            self._passing = f"   {doing} ..." if doing else ""
            sys.stdout.write(f"\r{blank}\r{self._passing}")
            sys.stdout.flush()

    def _say(self, text: str) -> None:
        if not self._silent:
            sys.stdout.write(printable_in(text, self._encoding) + "\n")
            sys.stdout.flush()
