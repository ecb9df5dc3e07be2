"""The machine's own time zone, by its IANA name."""

from __future__ import annotations

import os
from functools import cache
from importlib.resources import files
from pathlib import Path

LOCALTIME = Path("/etc/localtime")
TIMEZONE = Path("/etc/timezone")


def machine_zone() -> str:
    """The IANA name of the machine's zone, "UTC" where the system does not say."""
    for name in (os.environ.get("TZ", "").removeprefix(":"), _linked(), _written()):
        if name and knows_zone(name):
            return name
    return "UTC"


def _linked() -> str:
    try:
        return str(LOCALTIME.readlink()).rpartition("zoneinfo/")[2]
    except OSError:
        return ""


def _written() -> str:
    try:
        return TIMEZONE.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def knows_zone(name: str) -> bool:
    """Whether there is an IANA time zone of this name.

    A system's folder of zones holds more (`localtime`, `posixrules`, `right/…`), and on a Mac knows no case.
    """
    return name in _zones()


@cache
def _zones() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text("ascii").split()) - {"Factory"}
