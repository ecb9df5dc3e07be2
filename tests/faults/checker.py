"""The witness: it holds a recorded history against the hub's final log and names every contradiction.

The hub gives each commit a revision, so the order need not be searched for: sort, one replay, O(n log n). The rules are
those of a strictly serializable store with an ordered feed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any

from tests.faults.history import (
    Asked,
    Change,
    Entry,
    History,
    Json,
    Line,
    Name,
    digest,
    digest_of_changes,
    digest_of_floor,
    kind_digest,
)
from tests.faults.oracle import alike, carry_out, operations_of
from tests.faults.reference_model import Entity, Floor

UNDECIDED = {503}
TOLD_MAX = 50
# A floor is kept for every so many revisions; those between are made from it.
KEPT_EVERY = 64


def contradictions(history: History, log: Sequence[Entry]) -> list[str]:
    """Everything in the history that no correct hub with this log could have done; empty where all is well."""
    return Witness(history, log).all_found()


class Past:
    """The log as floors: every entity at every revision."""

    def __init__(self, log: Sequence[Entry]) -> None:
        self.entries = {entry.revision: entry for entry in log}
        self.head = log[-1].revision if log else 0
        self._images: dict[Name, tuple[list[int], list[Json | None]]] = defaultdict(lambda: ([], []))
        self._digests: dict[int, str] = {}
        for entry in log:
            for change in entry.changes:
                revisions, images = self._images[change.kind, change.id]
                revisions.append(entry.revision)
                images.append(change.data)
        self._kept: list[Floor] = [{"guest": {}, "table": {}}]
        for first in range(0, self.head + 1 - KEPT_EVERY, KEPT_EVERY):
            self._kept.append(self._later(self._kept[-1], range(first + 1, first + KEPT_EVERY + 1)))

    def get(self, name: Name, revision: int) -> Json | None:
        """An entity at a revision, None where it was not there."""
        if name not in self._images:
            return None
        revisions, images = self._images[name]
        at = bisect_right(revisions, revision)
        return images[at - 1] if at else None

    def floor(self, revision: int) -> dict[Name, Json]:
        """The whole floor at a revision."""
        found = ((name, self.get(name, revision)) for name in self._images)
        return {name: data for name, data in found if data is not None}

    def by_kind(self, revision: int) -> Floor:
        """The whole floor at a revision, as the reference model has it."""
        kept = min(max(revision, 0) // KEPT_EVERY, len(self._kept) - 1)
        return self._later(self._kept[kept], range(kept * KEPT_EVERY + 1, revision + 1))

    def _later(self, floor: Floor, revisions: range) -> Floor:
        after = {kind: dict(entities) for kind, entities in floor.items()}
        for entry in filter(None, map(self.entries.get, revisions)):
            for change in entry.changes:
                if change.data is None:
                    after[change.kind].pop(change.id, None)
                else:
                    after[change.kind][change.id] = change.data
        return after

    def digest(self, revision: int) -> str:
        """The digest of the whole floor at a revision."""
        if revision not in self._digests:
            self._digests[revision] = kind_digest(self.floor(revision))
        return self._digests[revision]

    def between(self, since: int, revision: int) -> str:
        """The digest of what changed after `since`: each entity once, at its latest."""
        latest: dict[Name, Change] = {}
        for number in range(since + 1, revision + 1):
            for change in self.entries[number].changes if number in self.entries else ():
                latest[change.kind, change.id] = change
        return digest_of_changes(latest.values())


class Known:
    """The highest revision that anybody had been told before a moment."""

    def __init__(self, told: Iterable[tuple[float, int]]) -> None:
        ordered = sorted(told)
        self._times = [at for at, _ in ordered]
        self._highest = list(accumulate((revision for _, revision in ordered), max))

    def before(self, moment: float) -> int:
        """The highest revision told before this moment."""
        at = bisect_left(self._times, moment)
        return self._highest[at - 1] if at else 0


class Witness:
    """One history and one log; each `_rule` yields sentences."""

    def __init__(self, history: History, log: Sequence[Entry]) -> None:
        self.history, self.log, self.past = history, log, Past(log)
        self.by_key: dict[str, list[Asked]] = defaultdict(list)
        for asked in history.asked:
            for key in asked.keys:
                self.by_key[key].append(asked)
        self.entry_of = {entry.key: entry for entry in log if entry.key}
        self.known = Known(self._told())
        self._later = self._invoked_later()

    def all_found(self) -> list[str]:
        """Every contradiction, at most so many that they can be read."""
        rules = (
            self._order(), self._phantoms(), self._effects(), self._answers(), self._real_time(), self._reads(),
            self._repeats(), self._pushes(), self._convergence(),
        )  # fmt: skip
        return [sentence for rule in rules for sentence in rule][:TOLD_MAX]

    def _told(self) -> Iterator[tuple[float, int]]:
        for asked in self.history.asked:
            if asked.returned is not None and asked.revision is not None:
                yield asked.returned, asked.revision
        for line in self.history.lines:
            yield from ((told.at, told.revision) for told in line.told)

    def _invoked_later(self) -> tuple[list[float], list[int]]:
        """For each moment at which a commit was first asked for: the lowest revision of it and those after."""
        first = [(min(asked.invoked for asked in tries), self.entry_of[key].revision)
                 for key, tries in self.by_key.items() if key in self.entry_of]  # fmt: skip
        first.sort()
        lowest = list(accumulate((revision for _, revision in reversed(first)), min))
        return [at for at, _ in first], lowest[::-1]

    def _window(self, asked: Asked) -> range:
        """The revisions at which an answer may have been decided."""
        assert asked.returned is not None
        times, lowest = self._later
        at = bisect_right(times, asked.returned)
        top = lowest[at] - 1 if at < len(lowest) else self.past.head
        return range(self.known.before(asked.invoked), top + 1)

    def _order(self) -> Iterator[str]:
        """1: the log is 1 … n; nobody was told of anything else."""
        for expected, entry in enumerate(self.log, 1):
            if entry.revision != expected:
                yield f"1: the log has revision {entry.revision} where {expected} belongs"
                return
        for at, revision in self._told():
            if revision > self.past.head:
                yield f"1, 7: revision {revision} was told at {at:.3f}, and the log ends at {self.past.head}"

    def _phantoms(self) -> Iterator[str]:
        """2: each commit is somebody's request, and no request is two commits."""
        seen: set[str] = set()
        for entry in self.log:
            if entry.key is None or entry.key not in self.by_key:
                yield f"2: revision {entry.revision} has the key {entry.key}, which nobody sent"
            elif entry.key in seen:
                yield f"2: the key {entry.key} has a second effect, revision {entry.revision}"
            seen.add(entry.key or "")

    def _effects(self) -> Iterator[str]:
        """3, 5: each commit is what its request does to the floor before it, all of it and nothing else."""
        for entry in self.log:
            tries = self.by_key.get(entry.key or "")
            if not tries:
                continue
            code, made = carry_out(self.past.by_kind(entry.revision - 1), self._wanted(tries[0], entry.key))
            if code is not None:
                yield f"3: revision {entry.revision} was made by a request that had to be refused: {code}"
                continue
            done = {(change.kind, change.id): change.data for change in entry.changes}
            if done.keys() != made.keys() or not all(alike(done[name], made[name]) for name in done):
                yield f"5: revision {entry.revision} is not what {entry.key} asked for: {_difference(done, made)}"
            for name, data in done.items():
                if data is not None and data["version"] != entry.revision:
                    yield f"5: {name} of revision {entry.revision} has version {data['version']}"

    def _wanted(self, asked: Asked, key: str | None) -> list[Entity]:
        return operations_of(asked)[asked.keys.index(key or "")]

    def _answers(self) -> Iterator[str]:
        """5: each answer to a change says what the log says, and each refusal had its reason."""
        for asked in self.history.asked:
            if not asked.keys or asked.returned is None or asked.status in UNDECIDED:
                continue
            if asked.path.startswith("/api/sync/batch"):
                yield from self._queue(asked)
            elif asked.status >= 400:
                yield from self._refusal(asked, asked.keys[0], asked.answer["error_code"])
            else:
                yield from self._accepted(asked)

    def _accepted(self, asked: Asked) -> Iterator[str]:
        key, revision = asked.keys[0], asked.revision or 0
        entry = self.entry_of.get(key)
        if entry is None or entry.revision != revision:
            # It changed nothing then: such an answer is not kept, so a repeat may have changed something later.
            code, made = carry_out(self.past.by_kind(revision), self._wanted(asked, key))
            if code is not None or made:
                yield f"7: {key} was answered {asked.status} at {revision}, and is not in the log there"
        elif not self._says(asked.answer, entry):
            yield f"5: the answer to {key} is not revision {revision}: {asked.answer}"

    def _lost(self, key: str) -> bool:
        """Whether a try of it was never answered: that one may be decided after those that were."""
        return any(asked.returned is None or asked.status in UNDECIDED for asked in self.by_key[key])

    def _says(self, answer: Any, entry: Entry) -> bool:
        """Whether a body tells of this commit."""
        images = {change.id: change.data for change in entry.changes}
        if answer is None:
            return all(data is None for data in images.values() if data is None or "partySize" in data)
        if "changes" not in answer:
            return bool(answer == images.get(answer["id"]))
        told = [Change(one["entity_type"], one["entity_id"], one["action"], one["data"]) for one in answer["changes"]]
        parts = [answer.get("guest"), *(one["data"] for one in answer.get("results", ()))]
        whole = all(part == self.past.get(_name_of(part), entry.revision) for part in parts if part)
        return whole and digest_of_changes(told) == digest_of_changes(entry.changes)

    def _queue(self, asked: Asked) -> Iterator[str]:
        if asked.status != 200:
            yield f"5: a queue was answered {asked.status}: {asked.answer}"
            return
        for key, result in zip(asked.keys, asked.answer["results"], strict=True):
            entry = self.entry_of.get(key)
            status, revision = result["status"], result["revision"]
            if status in ("applied", "duplicate"):
                if entry is None or entry.revision != revision:
                    yield f"7: {key} was {status} as revision {revision}, and is {entry and entry.revision}"
            elif status == "unchanged":
                if not any(
                    carry_out(self.past.by_kind(at), self._wanted(asked, key)) == (None, {})
                    for at in self._window(asked)
                ):
                    yield f"5: {key} changed something, and was answered as unchanged"
            else:
                yield from self._refusal(asked, key, result["error_code"])

    def _refusal(self, asked: Asked, key: str, code: str) -> Iterator[str]:
        """A refused request had a reason; and it is in the log only by another try, answered so or not at all.

        A refusal is not kept under its key: who asks again is decided anew.
        """
        reused = code == "idempotency_key_reused"
        done = any(200 <= asked.status < 300 for asked in self.by_key[key])
        if not reused and key in self.entry_of and not done and not self._lost(key):
            yield f"3: {key} was refused ({code}), and is revision {self.entry_of[key].revision}"
        if reused:
            return
        wanted, window = self._wanted(asked, key), self._window(asked)
        if not any(carry_out(self.past.by_kind(at), wanted)[0] == code for at in window):
            yield f"5: {key} was refused ({code}) without a reason at any revision of {window}"

    def _real_time(self) -> Iterator[str]:
        """4: what was told to anybody before a change was asked for, is before that change."""
        for key, tries in self.by_key.items():
            entry = self.entry_of.get(key)
            if entry is None:
                continue
            invoked = min(asked.invoked for asked in tries)
            if entry.revision <= (told := self.known.before(invoked)):
                yield f"4: revision {entry.revision} ({key}) was asked for when {told} had been told"

    def _reads(self) -> Iterator[str]:
        """4, 5: each read is of one revision, and of none older than what anybody had been told."""
        for asked in self.history.asked:
            if asked.effect is None or asked.returned is None or asked.revision is None:
                continue
            if asked.revision < (told := self.known.before(asked.invoked)):
                yield f"4: {asked.path} was of revision {asked.revision} when {told} had been told"
            if asked.revision <= self.past.head and asked.effect != self._read_at(asked.path, asked.revision):
                yield f"5: {asked.path} was not the floor at revision {asked.revision}"

    def _read_at(self, path: str, revision: int) -> str:
        bare, _, query = path.partition("?")
        if bare == "/api/sync/full":
            return self.past.digest(revision)
        if bare == "/api/sync/delta":
            return self.past.between(int(query.rpartition("since_revision=")[2]), revision)
        if bare.endswith("/guests/"):
            floor = self.past.floor(revision)
            return digest_of_floor((data for (kind, _), data in floor.items() if kind == "guest"), ())
        return digest(self.past.get(("guest", bare.split("/")[-1]), revision))

    def _repeats(self) -> Iterator[str]:
        """A repeated request has its first answer, and only one of its answers is the first."""
        for key, tries in self.by_key.items():
            entry = self.entry_of.get(key)
            if entry is None or tries[0].path.startswith("/api/sync/batch"):
                continue
            told = [asked for asked in tries if asked.status < 400 and asked.revision == entry.revision]
            if len({digest([asked.status, asked.revision, asked.answer]) for asked in told}) > 1:
                yield f"6: {key} was answered in different ways: {[(one.status, one.revision) for one in told]}"
            if sum(not asked.again for asked in told) > 1:
                yield f"6: {key} has two first answers"

    def _pushes(self) -> Iterator[str]:
        """6: on one connection revisions follow each other from where it resumed, and say what the log says."""
        for line in self.history.lines:
            if line.head < (told := self.known.before(line.opened)):
                yield f"7: {line.client} was greeted at {line.head} when {told} had been told"
            yield from self._line(line)

    def _line(self, line: Line) -> Iterator[str]:
        held = line.since
        for told in line.told:
            if told.kind == "snapshot":
                right = self.past.digest(told.revision)
                if held is not None and told.revision < held:
                    yield f"6: {line.client} held {held} and was told the floor of {told.revision}"
            elif held is None or told.previous != held or told.revision <= held:
                yield f"6: {line.client} held {held} and was told {told.previous} → {told.revision}"
                return
            else:
                right = self.past.between(told.previous, told.revision)
            if told.digest != right and told.revision <= self.past.head:
                yield f"6: {line.client} was told another {told.kind} than revision {told.revision}"
            held = told.revision

    def _convergence(self) -> Iterator[str]:
        """8: at the end everybody holds what the log says."""
        for client, (revision, held) in self.history.ends.items():
            if (revision, held) != (self.past.head, self.past.digest(self.past.head)):
                yield f"8: {client} ended at {revision} with {held}, the log at {self.past.head}"


def _name_of(entity: Json) -> Name:
    return ("guest" if "partySize" in entity else "table", entity["id"])


def _difference(done: dict[Name, Json | None], made: dict[Name, Json | None]) -> str:
    wrong = [name for name in done.keys() | made.keys() if not alike(done.get(name), made.get(name))]
    return "; ".join(f"{name}: {done.get(name)} and not {made.get(name)}" for name in wrong)
