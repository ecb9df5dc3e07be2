"""Trials: a defect is put into a copy of the tree, and the tests are run there until one is red."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from xml.etree import ElementTree

import msgspec

from tests.house.source_tree import ROOT

# A copy without these is the whole tree as a checkout has it.
LEFT_BEHIND = shutil.ignore_patterns(".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "*.egg-info")
# A failed wait, a broken import or a missing fixture is red as well, and proves nothing. A key or header that an answer
# is asked for and has not, a refusal, and a socket that is refused or closed, are as good.
BY_ASSERTION = re.compile(
    r"assert |AssertionError\b|Failed: (?!Timeout)|KeyError\b|websockets\.exceptions\.|[\w.]+\.Problem: "
)
RUN_WAIT_S = 900
# The package is imported before pytest, so what every test has is the copy's, or nothing runs at all.
RUN = """
import sys, pathlib, restohub
if pathlib.Path.cwd() not in pathlib.Path(restohub.__file__).parents:
    sys.exit(f"the tests would run against {restohub.__file__}")
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""
# What checks the code's form, and that the defects still fit, would be red for that alone.
WHOLE_RUN = ("--ignore", "tests/house", "--ignore", "tests/mutate", "-m", "not long and not slow")


class Trial(msgspec.Struct, frozen=True):
    """A defect to be tried: its name, what it is, the texts that it changes, and two runs: its own test, and the rest.

    A run is what pytest is told.
    """

    name: str
    what: str
    texts: dict[Path, str]
    own: Sequence[str]
    others: Sequence[str] = WHOLE_RUN


class Verdict(msgspec.Struct, frozen=True):
    """What became of a trial: `red` by its own test, `accident` (by it, but not by an assertion), `other`, `green`."""

    name: str
    what: str
    verdict: str
    test: str = ""
    message: str = ""


class Tree:
    """A copy of the tree, below a folder that nobody else needs: what is left of a run that is killed is a copy."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "tree"
        self._report = folder / "report.xml"
        self._temporary = folder / "tmp"
        self._trials = count(1)
        shutil.copytree(ROOT, self.root, ignore=LEFT_BEHIND, symlinks=True)

    def tried(self, trial: Trial, *, own_only: bool = False) -> Verdict:
        """Which tests notice a defect."""
        # Of its own time, or Python takes its bytecode for that of a text as long, written within the same second.
        written = next(self._trials)
        for path, text in trial.texts.items():
            (self.root / path.relative_to(ROOT)).write_text(text, "utf-8")
            os.utime(self.root / path.relative_to(ROOT), (written, written))
        try:
            red = self.red_in([*trial.own, "-n", "0"])
            if red is not None:
                return Verdict(trial.name, trial.what, "red" if BY_ASSERTION.match(red[1]) else "accident", *red)
            red = None if own_only else self.red_in(trial.others)
            return Verdict(trial.name, trial.what, *(("green",) if red is None else ("other", *red)))
        finally:
            for path in trial.texts:
                shutil.copyfile(path, self.root / path.relative_to(ROOT))

    def red_in(self, options: Sequence[str]) -> tuple[str, str] | None:
        """The first test that is red in a run, and why; None where none is."""
        self._report.unlink(missing_ok=True)
        always = ["-x", "-p", "no:cacheprovider", "--basetemp", str(self._temporary), "--junitxml", str(self._report)]
        status, said = self._run([sys.executable, "-c", RUN, *always, *options])
        if not self._report.exists():
            return "", said[-2000:]
        for case in ElementTree.parse(self._report).iter("testcase"):
            for verdict in case:
                if verdict.tag in ("failure", "error"):
                    why = verdict.get("message", "") if verdict.tag == "failure" else "error"
                    return f"{case.get('classname')}::{case.get('name')}", why
        return None if status == 0 else ("", said[-2000:])

    def _run(self, command: Sequence[str]) -> tuple[int, str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
        environment["PYTHONPATH"] = str(self.root)
        process = subprocess.Popen(
            command,
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # so that what the tests have started ends with them
        )
        try:
            said, _ = process.communicate(timeout=RUN_WAIT_S)
        except subprocess.TimeoutExpired:
            said = f"no end within {RUN_WAIT_S} s"
        finally:
            with contextlib.suppress(ProcessLookupError):  # all of it has ended
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return process.returncode, said
