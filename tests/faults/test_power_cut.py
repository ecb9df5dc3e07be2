"""The power cut: whatever of the unsynced is on the disk then, nothing that anyone was told is lost."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from tests.faults.concurrent_clients import Acknowledged, Rush
from tests.faults.crash_states import State, crash_states, sharp_moments
from tests.faults.read_back import Heads, WrittenLog, read_back
from tests.faults.strace_run import Event, SentBytes, Written, record
from tests.random_seed import chosen_seed, report

SHORT_MOMENTS, LONG_STATES = 80, 100_000
MEMORY = Path("/dev/shm")
ANSWERED = re.compile(rb"restohub-transaction: (\S+)\r\n")
SHOWN = re.compile(rb'"restaurant_id":(\d+),"revision":(\d+)')


@dataclass(frozen=True, slots=True)
class Recording:
    """A rush as the disk and the clients saw it, and what the hub had written at the end."""

    seed: int
    events: list[Event]
    acknowledged: list[Acknowledged]
    history: WrittenLog

    def owed(self) -> list[Heads]:
        """For each count of events the revisions that somebody was told of by then."""
        answered = {one.transaction.encode(): (one.restaurant, one.revision) for one in self.acknowledged}
        heads: Heads = {}
        owed = [heads]
        for event in self.events:
            if isinstance(event, SentBytes):
                told = [answered[name] for name in ANSWERED.findall(event.data) if name in answered]
                told += [(int(number), int(revision)) for number, revision in SHOWN.findall(event.data)]
                heads = {**heads, **{number: max(heads.get(number, 0), revision) for number, revision in told}}
            owed.append(heads)
        return owed


def recorded(folder: Path, seed: int) -> Recording:
    """A rush on a new hub over `folder`, which is what the rush left of it when it returns."""
    rush = Rush(seed)
    events = record(folder / "data", folder / "trace", rush.play)
    (folder / "trace").unlink()
    return Recording(seed, events, rush.acknowledged, WrittenLog.of(folder / "data"))


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory, since each state is a folder of its own."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def rush(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """The one recording of the short form."""
    return recorded(tmp_path_factory.mktemp("rush"), chosen_seed())


def hold(recording: Recording, states: Iterator[tuple[int, State]], folder: Path) -> int:
    """Open each state as a start does, assert that it is whole and has all that was told; how many there were."""
    owed, number = recording.owed(), 0
    with asyncio.Runner() as loop:
        for number, (count, state) in enumerate(states, 1):
            cut = folder / "cut"
            shutil.rmtree(cut, ignore_errors=True)
            cut.mkdir()
            for name, content in state.items():
                (cut / name).write_bytes(content)
            where = f"state {number} of seed {recording.seed}, cut after event {count}"
            try:
                heads = loop.run(read_back(cut, recording.history))
            except Exception as fault:
                raise AssertionError(f"{where}: {fault!r}") from fault
            lost = {place: told for place, told in owed[count].items() if heads.get(place, 0) < told}
            assert lost == {}, f"{where}: recovered {heads}, but somebody was told {lost}"
    return number


def test_what_was_told_is_there_after_any_power_cut(rush: Recording, memory: Path) -> None:
    random = Random(rush.seed)
    sharp = sharp_moments(rush.events)
    moments = {*random.sample(sharp, min(len(sharp), SHORT_MOMENTS // 2))}
    moments |= {*random.sample(range(1, len(rush.events) + 1), SHORT_MOMENTS // 2)}
    assert hold(rush, crash_states(rush.events, random, moments), memory) > SHORT_MOMENTS


def test_every_answer_and_every_push_is_in_the_recording(rush: Recording) -> None:
    """Else the test above would be green for want of anything to hold."""
    told = b"".join(event.data for event in rush.events if isinstance(event, SentBytes))
    answered = {name.decode() for name in ANSWERED.findall(told)}
    assert {one.transaction for one in rush.acknowledged} <= answered
    shown = {(int(number), int(revision)) for number, revision in SHOWN.findall(told)}
    heads = {number: len(rows) for number, rows in rush.history.log.items() if number}
    assert shown >= {(number, revision) for number, head in heads.items() for revision in range(1, head + 1)}
    assert rush.owed()[-1] == heads


def test_the_recording_goes_through_a_first_start_checkpoints_and_a_wal_begun_anew(rush: Recording) -> None:
    written = [(event.name, event.at) for event in rush.events if isinstance(event, Written)]
    assert written[0][0] == "restohub.db-journal"
    assert written.count(("restohub.db-wal", 0)) >= 2
    assert written.count(("restohub.db", 0)) >= 3


def test_an_acknowledged_change_is_in_the_log_as_it_was_sent(rush: Recording) -> None:
    """With it, what the states are held against is known to be what the clients sent."""
    for one in rush.acknowledged:
        changes = rush.history.log[one.restaurant][one.revision - 1][5]
        assert all(text.encode() in changes for text in one.texts), one


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_what_was_told_is_there_after_a_hundred_thousand_power_cuts(
    tmp_path: Path, memory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = chosen_seed()
    states = events = recordings = 0
    while states < LONG_STATES:
        (tmp_path / str(recordings)).mkdir()
        recording = recorded(tmp_path / str(recordings), seed + recordings)
        states += hold(recording, crash_states(recording.events, Random(recording.seed)), memory)
        events += len(recording.events)
        recordings += 1
    report(capsys, f"power cuts: {states} at {events} events of {recordings} recordings, seed {seed}: none lost a word")
