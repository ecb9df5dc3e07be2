"""What the benchmark found, as a table for people and as JSON for the next comparison."""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.workloads import Figures

# Which figure of the hub is held against which limit.
LIMITED = (
    ("W1 C=100 changes/s", "minimal litestar PUT, requests/s"),
    ("W1 C=100 changes/s", "bare ASGI, requests/s"),
    ("W1 C=1 changes/s", "SQLite FULL, 1 a commit, changes/s"),
    ("W6 deliveries/s", "raw fan-out, one frame a write, deliveries/s"),
)


class Results:
    """Every figure of every round, by subject and name."""

    def __init__(self) -> None:
        self.rounds: dict[str, dict[str, list[float]]] = {}

    def add(self, subject: str, figures: Figures) -> None:
        """Take in a round."""
        mine = self.rounds.setdefault(subject, {})
        for name, value in figures.items():
            mine.setdefault(name, []).append(value)

    def median(self, subject: str, name: str) -> float | None:
        """The median of the rounds, None where it was not measured."""
        values = self.rounds.get(subject, {}).get(name)
        return statistics.median(values) if values else None


def table(results: Results) -> str:
    """One row a figure: the subjects, the first by the second; below them the limits, and how near it comes to them."""
    subjects = [name for name in results.rounds if name != "limit"]
    rows = [["", *subjects, *(["ratio"] if len(subjects) > 1 else [])]]
    for name in results.rounds.get("restohub", {}):
        values = [results.median(subject, name) for subject in subjects]
        row = [name, *(shown(value) for value in values)]
        if len(values) > 1:
            row.append(ratio(values[0], values[1]))
        rows.append(row)
    for name in results.rounds.get("limit", {}):
        rows.append([name, shown(results.median("limit", name)), *[""] * (len(rows[0]) - 2)])
    for mine, limit in LIMITED:
        near = ratio(results.median("restohub", mine), results.median("limit", limit))
        if near != "–":
            rows.append([f"{mine} / {limit}", near, *[""] * (len(rows[0]) - 2)])
    return aligned(rows)


def across(title: str, columns: dict[str, Figures]) -> str:
    """One row a figure, one column a size."""
    names = list(next(iter(columns.values())))
    rows = [[title, *columns]]
    rows += [[name, *(shown(figures[name]) for figures in columns.values())] for name in names]
    return aligned(rows)


def compared(before: Path, after: Path) -> str:
    """Two files of results side by side: every figure of the hub, and how B stands to A."""
    old, new = loaded(before), loaded(after)
    rows = [["", before.name, after.name, "B / A", "A from … to"]]
    for name, values in old.rounds.get("restohub", {}).items():
        a, b = old.median("restohub", name), new.median("restohub", name)
        rows.append([name, shown(a), shown(b), ratio(b, a), f"{shown(min(values))} … {shown(max(values))}"])
    return aligned(rows)


def saved(results: Results, path: Path) -> None:
    """Write every figure, with the commit, the machine and the day."""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    about = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": commit.stdout.strip(),
        "machine": processor(),
        "python": platform.python_version(),
    }
    path.write_text(json.dumps({**about, "rounds": results.rounds}, indent=1) + "\n")


def loaded(path: Path) -> Results:
    """The results of such a file."""
    results = Results()
    results.rounds = json.loads(path.read_text())["rounds"]
    return results


def processor() -> str:
    """What the machine calls its processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


def shown(value: float | None) -> str:
    """A figure with as many digits as it deserves."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def ratio(mine: float | None, other: float | None) -> str:
    """How many times the other's."""
    return f"{mine / other:.2f}" if mine is not None and other else "–"


def aligned(rows: Iterable[list[str]]) -> str:
    """Columns, the first to the left and the others to the right."""
    lines = list(rows)
    widths = [max(len(row[column]) for row in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in lines
    )
