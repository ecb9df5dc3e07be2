"""The command `restohub licences`: every part of the program with its licence, word for word."""

from __future__ import annotations

import re
from collections.abc import Collection
from importlib import metadata
from importlib.metadata import Distribution
from importlib.resources import files
from typing import NamedTuple

import typer

# A folder of texts that only the one file has, of what pip does not bring: Python, the loader, the system's libraries.
BUNDLED = "bundled"
NAME = re.compile(r"[\w.-]+")
# Where PEP 639 has them, and where they were before.
LICENCE_FILE = re.compile(r"\.dist-info/(licenses/.|(LICEN[CS]E|COPYING|NOTICE)[^/]*$)", re.IGNORECASE)
# The one file has what encrypts backups and makes a certificate; any other extra is for those who build or test.
OF_AN_EXTRA = re.compile(r"\bextra\s*==(?!\s*['\"](?:encryption|tls)['\"])")


class LicensedPart(NamedTuple):
    """Something that the program is made of, by name and version, and its licence."""

    name: str
    text: str


def licensed_parts() -> list[LicensedPart]:
    """restohub, each distribution that it stands on, and what the one file has beside them."""
    found = [
        LicensedPart(
            f"{one.name} {one.version}", "\n\n".join(licence_texts(one).values()) or "No licence was installed with it."
        )
        for one in distributions()
    ]
    folder = files("restohub") / BUNDLED
    beside = sorted(folder.iterdir(), key=lambda file: file.name) if folder.is_dir() else []
    return found + [LicensedPart(file.name.removesuffix(".txt"), file.read_text("utf-8")) for file in beside]


def distributions(but: Collection[str] = ()) -> list[Distribution]:
    """restohub and all that it requires, directly or not, by name; without those in `but` and what only they require.

    What is required but not installed is of another platform, or was left out of the one file.
    """
    met: dict[str, Distribution | None] = {}
    waiting = ["restohub"]
    while waiting:
        name = normalized_name(waiting.pop())
        if name in met or name in but:
            continue
        met[name] = found = installed(name)
        always = [line for line in (found and found.requires) or [] if not OF_AN_EXTRA.search(line)]
        waiting += [named[0] for line in always if (named := NAME.match(line))]
    return [found for _, found in sorted(met.items(), key=lambda item: (item[0] != "restohub", item[0])) if found]


def installed(name: str) -> Distribution | None:
    """A distribution as pip installed it: an `.egg-info` in the working folder has neither licences nor a date."""
    return next((one for one in metadata.distributions(name=name) if one.read_text("METADATA")), None)


def licence_texts(one: Distribution) -> dict[str, str]:
    """A distribution's licence files, by their paths beside its modules."""
    found = [path for path in one.files or [] if LICENCE_FILE.search(path.as_posix())]
    return {path.as_posix(): path.read_text() for path in found}


def normalized_name(name: str) -> str:
    """A distribution's name as they are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licences() -> None:
    """Print all that this program is made of, each part with its licence, word for word."""
    for part in licensed_parts():
        typer.echo(f"{part.name}\n{'=' * len(part.name)}\n\n{part.text.strip()}\n\n")
