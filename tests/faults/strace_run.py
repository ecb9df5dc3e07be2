"""A hub under strace: the one order in which it wrote its files, synced them and spoke to its clients."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Hub

CALLS = "openat,pwrite64,fdatasync,fsync,ftruncate,unlink,rename,renameat,renameat2,write,writev,sendto,sendmsg"
STRACE = ("strace", "-D", "-f", "-qq", "-y", "-xx", "-s", "9999999", "--seccomp-bpf", "-e", f"trace={CALLS}")
LINE = re.compile(r"^(\d+) +(?:<\.\.\. )?(\w+)(.*)$")
HEX = re.compile(r"(?:\\x[0-9a-f]{2})+")
QUOTED = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
OF_FILE = re.compile(r"^\((?:AT_FDCWD|\d+)<([^>]*)>")
RESULT = re.compile(r"\) += (-?\d+)")
UNFINISHED, RESUMED = " <unfinished ...>", " resumed>"
# What takes effect, as far as anyone could see, when it is asked for; all else when it has returned.
AT_ONCE = {"pwrite64", "write", "writev", "sendto", "sendmsg"}


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes handed to the kernel for a file; not durable before the file is synced. `at` is None at the file's end."""

    name: str
    at: int | None
    data: bytes


@dataclass(frozen=True, slots=True)
class Resized:
    """A file cut or extended to a size."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Synced:
    """A file whose bytes are durable from here on; the folder itself, whose names are, is ''."""

    name: str


@dataclass(frozen=True, slots=True)
class Made:
    """A name that appeared in the folder."""

    name: str


@dataclass(frozen=True, slots=True)
class Gone:
    """A name that was taken out of the folder."""

    name: str


@dataclass(frozen=True, slots=True)
class Renamed:
    """A file that took another name, and the place of what had it."""

    name: str
    new: str


@dataclass(frozen=True, slots=True)
class SentBytes:
    """Bytes that a client may have seen from here on."""

    data: bytes


Event = Written | Resized | Synced | Made | Gone | Renamed | SentBytes


def need(command: str) -> str:
    """The path of a program; without it the test skips, or fails where all tests are required."""
    found = shutil.which(command)
    if found is None:
        reason = f"{command} is not installed, so this is not tried."
        if os.environ.get("RESTOHUB_REQUIRE_FAULTS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def record(data: Path, trace: Path, scene: Callable[[Hub], None]) -> list[Event]:
    """What a new hub over `data` did while `scene` was played, its start and its stop included."""
    need("strace")
    hub = Hub(data, wrap=(*STRACE, "-o", str(trace))).start()
    try:
        scene(hub)
        assert hub.stop() == 0, hub.said()
    finally:
        if hub.process is not None and hub.process.poll() is None:
            hub.kill()
    return list(events(trace, data))


def events(trace: Path, data: Path) -> Iterator[Event]:
    """The events of a trace, in the order in which they could be seen; those of other files are left out."""
    begun: dict[str, str] = {}
    known: set[str] = set()
    with trace.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            found = LINE.match(line.rstrip("\n"))
            if found is None:
                continue
            thread, call, rest = found.groups()
            if rest.endswith(UNFINISHED):
                begun[thread] = rest.removesuffix(UNFINISHED)
                if call not in AT_ONCE:
                    continue
                rest = begun[thread]
            elif rest.startswith(RESUMED):
                if call in AT_ONCE:
                    continue
                rest = begun.pop(thread) + rest.removeprefix(RESUMED)
            event = _event(call, rest, str(data), known)
            if event is not None:
                yield event


def _event(call: str, rest: str, folder: str, known: set[str]) -> Event | None:
    result = RESULT.search(rest)
    if result is not None and int(result[1]) < 0:
        return None
    holder = OF_FILE.match(rest)
    path = _text(holder[1]) if holder else ""
    if call == "openat" or call.startswith(("unlink", "rename")):
        return _of_names(call, rest, folder, known)
    if path.startswith("socket:") and call in AT_ONCE:
        return SentBytes(b"".join(_bytes(text) for text in QUOTED.findall(rest)))
    name = _within(path, folder)
    if name is None or name.endswith("-shm"):  # the -shm is memory: a start makes it anew
        return None
    if call in ("fdatasync", "fsync"):
        return Synced(name)
    if call == "ftruncate":
        return Resized(name, int(rest.rpartition(", ")[2].partition(")")[0]))
    assert call in ("pwrite64", "write"), f"a way of writing that the recording does not know: {call} of {name}"
    quoted = QUOTED.search(rest)
    assert quoted is not None
    at = int(rest[quoted.end() :].split(", ")[2].partition(")")[0]) if call == "pwrite64" else None
    return Written(name, at, _bytes(quoted[1]))


def _of_names(call: str, rest: str, folder: str, known: set[str]) -> Event | None:
    """A name made, changed or taken away; a file that is opened again is no news, unless it is emptied."""
    name, *others = (_within(_text(path), folder) for path in QUOTED.findall(rest))
    if not name or name.endswith("-shm"):
        return None
    if call.startswith("rename"):
        [new] = others
        assert new, f"a file leaves the folder: {rest}"
        known.discard(name)
        known.add(new)
        return Renamed(name, new)
    if call == "unlink":
        known.discard(name)
        return Gone(name)
    if name in known:
        return Resized(name, 0) if "O_TRUNC" in rest else None
    if "O_CREAT" not in rest:
        return None
    known.add(name)
    return Made(name)


def _within(path: str, folder: str) -> str | None:
    """A path as a name within the folder, '' for the folder itself, None for any other place."""
    if path == folder:
        return ""
    return path.removeprefix(folder + "/") if path.startswith(folder + "/") else None


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _text(text: str) -> str:
    return HEX.sub(lambda found: _bytes(found[0]).decode("utf-8", "replace"), text)
