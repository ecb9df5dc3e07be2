"""Deliberate defects: of the promises of `tests/faults`, and of the sentences of the contract."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import msgspec

from tests.house.source_tree import PACKAGE, ROOT
from tests.mutate.mutation import Swap, mutated

PROMISES = ROOT / "tests" / "faults" / "mutants"
SENTENCES = Path(__file__).with_name("contract")
CONTRACT = ROOT / "restohub" / "docs" / "contract.md"
# The witness is not of the package, and what it finds is held against a defect as well.
FILES = [*PACKAGE, ROOT / "tests" / "faults" / "checker.py"]


class Defect(msgspec.Struct, frozen=True):
    """A deliberate defect: what it is, the test (`path::name`) that must notice, and the swaps that make it.

    One of the contract's makes the words `what` false, which stand below `heading`.
    """

    name: str
    what: str
    turns_red: str
    swaps: list[Swap]
    heading: str = ""

    def texts(self) -> dict[Path, str]:
        """The text of each file that it changes, with the defect in it; fails where it does not fit once."""
        return mutated(self.swaps, FILES)


class Promise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of `faults/mutants`."""

    what: str
    turns_red: str
    swap: list[Swap]


class Sentence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of a file in `mutate/contract`, whose name is the heading: words of the contract and one swap."""

    says: str
    where: str
    old: str
    new: str
    turns_red: str


@cache
def defects() -> list[Defect]:
    """All of them, by name; fails where a file has a key that is missing or unknown."""
    found = [_promised(path) for path in PROMISES.glob("*.toml")]
    for path in SENTENCES.glob("*.toml"):
        for name, one in msgspec.toml.decode(path.read_bytes(), type=dict[str, Sentence]).items():
            swap = Swap(one.where, one.old, one.new)
            found.append(Defect(f"{path.stem}/{name}", one.says, one.turns_red, [swap], heading_of(path)))
    return sorted(found, key=lambda one: one.name)


def _promised(path: Path) -> Defect:
    one = msgspec.toml.decode(path.read_bytes(), type=Promise)
    return Defect(f"faults/{path.stem}", one.what, one.turns_red, one.swap)


def heading_of(path: Path) -> str:
    """The heading that a file of defects is named after."""
    slug = path.stem
    return next((one for one in sections() if _slug(one) == slug), "")


@cache
def sections() -> dict[str, str]:
    """What stands below each heading of the contract, up to the next, with single spaces."""
    parts = re.split(r"^#+ (.+)$", CONTRACT.read_text("utf-8"), flags=re.MULTILINE)
    return {heading: " ".join(text.split()) for heading, text in zip(parts[1::2], parts[2::2], strict=True)}


def _slug(heading: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", heading.lower()).strip("_")
