"""The doctor's report, as lines for a person and as JSON for a machine."""

from __future__ import annotations

import json
import textwrap
from typing import Literal

import msgspec
from msgspec import Struct

Result = Literal["well", "warning", "wrong", "skipped"]
MARKS: dict[Result, str] = {"well": "✓", "warning": "!", "wrong": "✗", "skipped": "·"}
PLAIN_MARKS: dict[Result, str] = {"well": "+", "warning": "!", "wrong": "x", "skipped": "-"}
NAME_WIDTH = 11
INDENT = " " * (NAME_WIDTH + 4)


class Check(Struct, frozen=True):
    """One line: what was looked at, how it is, what was found, and what to do where it is not well."""

    name: str
    result: Result
    found: str
    fix: str = ""


class DoctorReport(Struct, frozen=True):
    """All of it, as `--json` prints it."""

    ok: bool
    version: str
    data: str
    checks: list[Check]


def make_report(version: str, data: str, checks: list[Check]) -> DoctorReport:
    """The checks with their sum: warnings are allowed."""
    return DoctorReport(all(check.result != "wrong" for check in checks), version, data, checks)


def json_text(whole: DoctorReport) -> str:
    """The report as JSON, in ASCII so that every terminal and pipe takes it."""
    return json.dumps(msgspec.to_builtins(whole), indent=2)


def check_lines(check: Check, encoding: str, width: int | None) -> list[str]:
    """A check as lines of at most `width` characters (None: one line for what was found, one for what to do)."""
    marks = MARKS if _takes(encoding, "".join(MARKS.values())) else PLAIN_MARKS
    parts = [f" {marks[check.result]} {check.name:{NAME_WIDTH}} {check.found}"]
    if check.fix:
        parts.append(f"{INDENT}{'→' if _takes(encoding, '→') else '>'} {check.fix}")
    return [line for part in parts for line in _folded(printable_in(part, encoding), width)]


def printable_in(text: str, encoding: str) -> str:
    """A text that a terminal takes as text alone: names come from the network too."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain.encode(encoding, "replace").decode(encoding)


def summary(whole: DoctorReport) -> str:
    """The last line."""
    wrong = sum(check.result == "wrong" for check in whole.checks)
    warnings = sum(check.result == "warning" for check in whole.checks)
    worth = f", {warnings} worth a look" if warnings else ""
    if wrong:
        return f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong{worth}."
    return f"Nothing is wrong{worth}."


def _folded(line: str, width: int | None) -> list[str]:
    if width is None:
        return [line]
    return textwrap.wrap(
        line,
        width,
        subsequent_indent=INDENT + "  " * line.startswith(INDENT),
        drop_whitespace=True,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _takes(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return False
    return True
