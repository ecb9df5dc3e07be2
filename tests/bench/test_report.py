"""That the benchmark's report holds the right figures against each other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.bench.report import Results, compared, saved, table


def results(changes: float) -> Results:
    """Three rounds of two subjects beside a limit; the median is that of the second."""
    found = Results()
    for factor in (5.0, 1.0, 0.2):
        found.add("limit", {"minimal litestar PUT, requests/s": 1000 * factor})
        found.add("restohub", {"W1 C=100 changes/s": changes * factor})
        found.add("pocketbase", {"W1 C=100 changes/s": 300 * factor})
    return found


def test_the_table_holds_the_hub_against_the_other_and_against_the_limit() -> None:
    rows = [line.split() for line in table(results(900)).splitlines()]
    assert ["W1", "C=100", "changes/s", "900", "300", "3.00"] in rows
    assert ["minimal", "litestar", "PUT,", "requests/s", "1,000"] in rows
    assert ["W1", "C=100", "changes/s", "/", "minimal", "litestar", "PUT,", "requests/s", "0.90"] in rows
    assert not any("ASGI," in row for row in rows), "what was not measured has no row"


def test_two_files_are_compared_by_the_command(tmp_path: Path) -> None:
    before, after = tmp_path / "a.json", tmp_path / "b.json"
    saved(results(400), before)
    saved(results(600), after)
    command = [sys.executable, "-m", "tests.bench", "--compare", str(before), str(after)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]).stdout
    assert told == compared(before, after) + "\n"
    assert told.splitlines()[1].split() == ["W1", "C=100", "changes/s", "400", "600", "1.50", "80", "…", "2,000"]


def test_a_workload_that_is_not_there_is_refused_with_those_that_are() -> None:
    command = [sys.executable, "-m", "tests.bench", "--only", "W9"]
    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert told.returncode == 1
    assert told.stderr.strip() == "There is no workload W9. There are W1, W2, W3, W4, W5, W6, W7."
