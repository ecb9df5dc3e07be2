"""A disk at the moment of a power cut: which bytes and names could be on it, after what was asked of it.

What is modelled, for each file on its own: what was written since its last sync may be there or not, sector by sector
(512 bytes, each whole), in any order, the file's new size without its content included; a sync makes it durable. Names
made and taken away since the folder's last sync are there up to some point of their order (a journalling file system).
What is not: a sector torn within, bytes that were durable and go bad, a sync that lies (`lying_states` has it), the
folder's own name in the folder above it. The -shm is memory and never there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from tests.faults.strace_run import Event, Gone, Made, Renamed, Resized, SentBytes, Synced, Written

SECTOR = 512
LYING_SHARE = 0.1

# What a folder holds: its files by name.
State = dict[str, bytes]


@dataclass(slots=True)
class File:
    """A file: what is durable of it, and what was asked for since, in order."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Written | Resized] = field(default_factory=list)
    size: int = 0

    def ask(self, event: Written | Resized) -> None:
        """Take a write or a new size, not durable yet."""
        if isinstance(event, Written):
            at = self.size if event.at is None else event.at
            self.pending.append(Written(event.name, at, event.data))
            self.size = max(self.size, at + len(event.data))
        else:
            self.pending.append(event)
            self.size = event.size

    def sync(self) -> None:
        """Everything that was asked for is durable."""
        for event in self.pending:
            _apply(self.durable, event)
        self.pending = []


class UnsyncedFolder:
    """A folder's files and names, durable or not yet."""

    def __init__(self) -> None:
        self.names: dict[str, File] = {}
        self._durable: dict[str, File] = {}
        self._renamings: list[dict[str, File | None]] = []

    def take(self, event: Event) -> None:
        """What the hub asked of the disk next."""
        match event:
            case Made(name):
                self.names[name] = File()
                self._renamings.append({name: self.names[name]})
            case Gone(name):
                del self.names[name]
                self._renamings.append({name: None})
            case Renamed(name, new):
                self.names[new] = self.names.pop(name)
                self._renamings.append({name: None, new: self.names[new]})
            case Synced(""):
                self._durable, self._renamings = dict(self.names), []
            case Synced(name):
                self.names[name].sync()
            case Written(name) | Resized(name):
                self.names[name].ask(event)
            case SentBytes():
                pass

    @property
    def unsettled(self) -> bool:
        """Whether a cut now has more than one outcome."""
        return bool(self._renamings) or any(file.pending for file in self.names.values())

    def cut(self, content: Callable[[File], bytes], renamings: int) -> State:
        """The folder after a cut: `content` says what is left of a file, `renamings` how many of the new names are."""
        names: dict[str, File | None] = {**self._durable}
        for renaming in self._renamings[:renamings]:
            names |= renaming
        return {name: content(file) for name, file in names.items() if file is not None}

    def states(self, random: Random) -> Iterator[State]:
        """Four cuts at this moment: nothing unsynced is there, all is, any sectors are, each file up to some point."""
        last = len(self._renamings)
        yield self.cut(lambda file: bytes(file.durable), 0)
        if not self.unsettled:
            return
        yield self.cut(_whole, last)
        share = random.choice((0.1, 0.5, 0.9))
        yield self.cut(lambda file: _torn(file, random, share), random.randint(0, last))
        yield self.cut(lambda file: _up_to_a_point(file, random), random.randint(0, last))


def crash_states(
    events: Sequence[Event], random: Random, moments: Collection[int] | None = None
) -> Iterator[tuple[int, State]]:
    """Every cut of a recording at these moments (None: at each), with the number of events that were before it."""
    disk = UnsyncedFolder()
    for count, event in enumerate(events, 1):
        disk.take(event)
        if moments is None or count in moments:
            for state in disk.states(random):
                yield count, state


def lying_states(
    events: Sequence[Event], random: Random, moments: Collection[int] | None = None
) -> Iterator[tuple[int, State]]:
    """As `crash_states`, on a disk that answers one sync in ten without having done it."""
    lie = SentBytes(b"")  # in the sync's place, so that the count of events stays that of the recording
    told = [lie if isinstance(event, Synced) and random.random() < LYING_SHARE else event for event in events]
    return crash_states(told, random, moments)


def sharp_moments(events: Sequence[Event]) -> list[int]:
    """The moments before each sync, and those when a client is told something while a sync is owed."""
    disk, found = UnsyncedFolder(), []
    for count, event in enumerate(events, 1):
        if isinstance(event, Synced) and count > 1:
            found.append(count - 1)
        disk.take(event)
        if isinstance(event, SentBytes) and disk.unsettled:
            found.append(count)
    return found


def _apply(content: bytearray, event: Written | Resized) -> None:
    if isinstance(event, Resized):
        del content[event.size :]
        content.extend(bytes(event.size - len(content)))
        return
    assert event.at is not None
    if event.at > len(content):
        content.extend(bytes(event.at - len(content)))
    content[event.at : event.at + len(event.data)] = event.data


def _whole(file: File) -> bytes:
    content = bytearray(file.durable)
    for event in file.pending:
        _apply(content, event)
    return bytes(content)


def _up_to_a_point(file: File, random: Random) -> bytes:
    """The first few of what was asked for, and the next one up to one of its sectors."""
    content = bytearray(file.durable)
    count = random.randint(0, len(file.pending))
    for event in file.pending[:count]:
        _apply(content, event)
    if count < len(file.pending):
        for piece in _sectors(file.pending[count])[: random.randint(0, 2)]:
            _apply(content, piece)
    return bytes(content)


def _torn(file: File, random: Random, share: float) -> bytes:
    """Each sector as it was at some moment since the last sync: about `share` of them as they are now."""
    moments: dict[int, list[Written]] = defaultdict(list)
    sizes = [event for event in file.pending if isinstance(event, Resized)]
    for event in file.pending:
        for piece in _sectors(event):
            assert piece.at is not None
            moments[piece.at // SECTOR].append(piece)
    content = bytearray(file.durable)
    if file.size > len(content) and random.random() < 0.5:  # the new size came first: zeros, or what lay there before
        content.extend(random.choice((bytes, random.randbytes))(file.size - len(content)))
    for pieces in moments.values():
        count = len(pieces) if random.random() < share else random.randint(0, len(pieces) - 1)
        for piece in pieces[:count]:
            _apply(content, piece)
    if sizes and random.random() < share:
        _apply(content, sizes[-1])
    return bytes(content)


def _sectors(event: Written | Resized) -> list[Written]:
    """A write in pieces of which each lies in one sector."""
    if isinstance(event, Resized):
        return []
    assert event.at is not None
    pieces: list[Written] = []
    start, end = event.at, event.at + len(event.data)
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        pieces.append(Written(event.name, start, event.data[start - event.at : stop - event.at]))
        start = stop
    return pieces
