"""The proof that the witness sees: a true history, and each way in which a hub could have betrayed it."""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.conftest import Hub
from tests.faults.checker import Past, contradictions
from tests.faults.crowd import Crowd, until
from tests.faults.history import Asked, Change, Entry, History, Told, digest, digest_of_changes
from tests.faults.random_faults import cuts, kill_and_restart
from tests.faults.stored_log import read_log
from tests.random_seed import seeded_random

Record = tuple[History, list[Entry]]
Bug = Callable[[History, list[Entry]], object]


@pytest.fixture(scope="module")
def true(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    """What a real hub and its crowd recorded, with a kill in the middle: there is something for each bug to spoil."""
    chance = seeded_random()
    hub = Hub(tmp_path_factory.mktemp("true") / "data").start()
    crowd = Crowd(hub, 1, chance, 6, 4)

    async def evening() -> None:
        async with crowd.watching(), crowd.working():
            await crowd.ask(150)
            await kill_and_restart(crowd, chance)
            raining = asyncio.create_task(cuts(crowd, chance, 0.3))
            await until(lambda: _rich(crowd.history), 60)
            raining.cancel()

    try:
        asyncio.run(evening())
        hub.stop()
        yield crowd.history, read_log(hub.data, 1)
    finally:
        hub.kill()


def _rich(history: History) -> bool:
    """Whether each bug has what it needs."""
    return (
        any(one.status == 409 and one.answer["error_code"] == "table_occupied" for one in history.asked)
        and any(repeated(history))
        and sum(
            one.status == 200 and "atomic/batch" in one.path and len(one.answer["changes"]) > 2 for one in history.asked
        )
        > 5
        and any(one.match is not None and one.status == 200 for one in history.asked)
        and any(reads(history))
        and any(snapshots(history))
        and any(told.kind == "delta_update" and told.revision > told.previous + 1 for told in all_told(history))
    )


def all_told(history: History) -> list[Told]:
    return [told for line in history.lines for told in line.told]


def commits(history: History) -> tuple[list[Told], int]:
    """What a line was told, and where in it two commits come one after the other."""
    for line in history.lines:
        for at, (one, other) in enumerate(itertools.pairwise(line.told)):
            if "snapshot" not in (one.kind, other.kind) and at > 2:
                return line.told, at
    raise AssertionError("no line was told two commits")


def repeated(history: History) -> Iterator[Asked]:
    """The answers given again, of a first one that came: where it was lost, nobody could tell which is the first."""
    single = [one for one in history.asked if len(one.keys) == 1 and one.revision and "batch" not in one.path]
    first = {(one.keys, one.revision) for one in single if one.status in (200, 201) and not one.again}
    return (one for one in single if one.again and (one.keys, one.revision) in first)


def reads(history: History) -> Iterator[Asked]:
    """The floors that were read after something had been changed."""
    whole = (one for one in history.asked if one.path.startswith("/api/sync/full"))
    return (one for one in whole if one.effect is not None and (one.revision or 0) > 1)


def snapshots(history: History) -> Iterator[Told]:
    return (told for told in all_told(history) if told.kind == "snapshot" and told.revision > 1)


def spans(history: History) -> Told:
    return next(told for told in all_told(history) if told.kind == "delta_update" and told.revision > told.previous + 1)


def acked(history: History, log: list[Entry]) -> Iterator[tuple[Asked, Entry]]:
    """The answers that made a commit, with it."""
    entries = {entry.key: entry for entry in log}
    for asked in history.asked:
        entry = entries.get(asked.keys[0]) if len(asked.keys) == 1 else None
        if entry is not None and asked.status in (200, 201) and asked.revision == entry.revision:
            yield asked, entry


def of_many(log: list[Entry]) -> Iterator[Entry]:
    return (entry for entry in log if len(entry.changes) > 2)


def pushed(history: History, log: list[Entry]) -> Iterator[tuple[Told, Entry]]:
    """The commits of more than two changes that somebody was told, each by itself."""
    for entry in of_many(log):
        said = (entry.revision - 1, entry.revision)
        yield from ((told, entry) for told in all_told(history) if (told.previous, told.revision) == said)


def skip_an_event(history: History, log: list[Entry]) -> None:
    told, at = commits(history)
    del told[at]


def swap_two_events(history: History, log: list[Entry]) -> None:
    told, at = commits(history)
    told[at], told[at + 1] = told[at + 1], told[at]


def repeat_an_event(history: History, log: list[Entry]) -> None:
    told, at = commits(history)
    told.insert(at, told[at])


def swap_two_revisions_of_the_log(history: History, log: list[Entry]) -> None:
    one, other = log[len(log) // 2], log[len(log) // 2 + 1]
    one.key, other.key, one.changes, other.changes = other.key, one.key, other.changes, one.changes


def swap_what_two_events_say(history: History, log: list[Entry]) -> None:
    told, at = commits(history)
    told[at].digest, told[at + 1].digest = told[at + 1].digest, told[at].digest


def read_what_was_true_before(history: History, log: list[Entry]) -> None:
    read = max(reads(history), key=lambda one: one.invoked)
    read.revision, read.effect = 1, Past(log).digest(1)


def read_a_floor_that_never_was(history: History, log: list[Entry]) -> None:
    read = next(reads(history))
    read.effect = Past(log).digest((read.revision or 0) - 1)


def commit_half_a_batch(history: History, log: list[Entry]) -> None:
    next(of_many(log)).changes.pop()


def push_half_a_batch(history: History, log: list[Entry]) -> None:
    told, entry = next(pushed(history, log))
    told.digest = digest_of_changes(entry.changes[:-1])


def commit_what_nobody_asked_for(history: History, log: list[Entry]) -> None:
    log[len(log) // 2].key = "nobody"


def commit_a_request_twice(history: History, log: list[Entry]) -> None:
    _, entry = list(acked(history, log))[-1]
    log.append(replace(entry, revision=len(log) + 1))


def lose_what_was_answered(history: History, log: list[Entry]) -> None:
    del log[-3:]


def leave_a_gap_in_the_log(history: History, log: list[Entry]) -> None:
    del log[len(log) // 2]


def answer_a_repetition_otherwise(history: History, log: list[Entry]) -> None:
    again = next(asked for asked in repeated(history) if asked.answer)
    again.answer = {**again.answer, "notes": "another"}


def carry_out_a_repetition(history: History, log: list[Entry]) -> None:
    next(repeated(history)).again = False


def reset_to_another_floor(history: History, log: list[Entry]) -> None:
    snapshot = next(snapshots(history))
    snapshot.digest = Past(log).digest(snapshot.revision - 1)


def reset_without_an_entity(history: History, log: list[Entry]) -> None:
    snapshot = next(snapshots(history))
    snapshot.digest = digest([[], []])


def lose_an_entity_of_a_delta(history: History, log: list[Entry]) -> None:
    told = spans(history)
    changes: dict[tuple[str, str], Change] = {}
    for entry in log[told.previous : told.revision]:
        changes.update({(change.kind, change.id): change for change in entry.changes})
    told.digest = digest_of_changes(list(changes.values())[1:])


def resume_one_further(history: History, log: list[Entry]) -> None:
    spans(history).previous += 1


def carry_out_another_body(history: History, log: list[Entry]) -> None:
    change = next(change for asked, entry in acked(history, log) for change in entry.changes if asked.method == "PATCH")
    assert change.data is not None
    change.data = {**change.data, "notes": "of another request"}


def give_two_answers_one_revision(history: History, log: list[Entry]) -> None:
    one, other = list({asked.revision: asked for asked, _ in acked(history, log)}.values())[:2]
    other.revision, other.answer = one.revision, one.answer


def put_an_earlier_change_later(history: History, log: list[Entry]) -> None:
    made = list(acked(history, log))
    key = made[len(made) // 2][1].key
    for asked in (one for one in history.asked if one.keys == (key,)):
        asked.invoked += 3600
        asked.returned = asked.invoked + 1


def answer_what_is_not_so(history: History, log: list[Entry]) -> None:
    asked = next(asked for asked, _ in acked(history, log) if asked.method == "PATCH")
    asked.answer = {**asked.answer, "notes": "dirty"}


def lose_an_update(history: History, log: list[Entry]) -> None:
    asked = next(asked for asked, _ in acked(history, log) if asked.match is not None)
    for one in history.asked:
        one.match = (one.match or 1) - 1 if one.keys == asked.keys else one.match


def refuse_and_do_it_all_the_same(history: History, log: list[Entry]) -> None:
    _, entry = next(acked(history, log))
    for one in history.asked:
        if one.keys == (entry.key,):
            one.returned, one.status, one.answer = one.invoked + 0.01, 409, {"error_code": "already_exists"}


def refuse_without_a_reason(history: History, log: list[Entry]) -> None:
    refused = next(one for one in history.asked if one.status == 409 and one.answer["error_code"] == "table_occupied")
    refused.answer = {"error_code": "already_exists"}


def greet_with_an_old_revision(history: History, log: list[Entry]) -> None:
    history.lines[-1].head = 1


def end_apart(history: History, log: list[Entry]) -> None:
    client, (revision, _) = next(iter(history.ends.items()))
    history.ends[client] = revision, Past(log).digest(revision - 1)


BUGS: list[Bug] = [
    skip_an_event, swap_two_events, repeat_an_event, swap_two_revisions_of_the_log, swap_what_two_events_say,
    read_what_was_true_before, read_a_floor_that_never_was, commit_half_a_batch, push_half_a_batch,
    commit_what_nobody_asked_for, commit_a_request_twice, lose_what_was_answered, leave_a_gap_in_the_log,
    answer_a_repetition_otherwise, carry_out_a_repetition, reset_to_another_floor, reset_without_an_entity,
    lose_an_entity_of_a_delta, resume_one_further, carry_out_another_body, give_two_answers_one_revision,
    put_an_earlier_change_later, answer_what_is_not_so, lose_an_update, refuse_and_do_it_all_the_same,
    refuse_without_a_reason, greet_with_an_old_revision, end_apart,
]  # fmt: skip


def test_a_true_history_has_no_contradiction(true: Record) -> None:
    assert contradictions(*true) == []


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_is_a_contradiction(true: Record, bug: Bug) -> None:
    before = contradictions(*true)
    history, log = copy.deepcopy(true)
    bug(history, log)
    assert contradictions(history, log) != before, "what was wrong without it is not what it is noticed by"
