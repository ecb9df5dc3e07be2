"""The facts of frames and parts: what goes onto a socket is whole, in order and small enough."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from restohub.floor.model import Change, Entry, Floor, Guest
from restohub.live.snapshots import Snapshot
from restohub.wire.messages import (
    MESSAGE_BYTES_MAX,
    Dialect,
    delta_messages,
    entry_messages,
    text_frame,
)

SIZES = st.lists(st.integers(0, 60_000), max_size=30)


def guests(sizes: list[int]) -> list[Guest]:
    """Guests whose notes have these sizes (more than a request may send, so that parts are many)."""
    return [
        Guest(id=f"g{number}", first_name="Anna", party_size=2, notes="x" * size, version=1, created_revision=1)
        for number, size in enumerate(sizes)
    ]


async def full_sync(floor: Floor) -> list[bytes]:
    """The messages of a floor that is sent in parts."""
    snapshot = await Snapshot(floor).measured()
    return [bytes(read_frame(frame).data) for frame in snapshot.frames()]


def read_frame(frame: bytes) -> Frame:
    """A frame as another library reads it."""
    reader = StreamReader()
    reader.feed_data(frame)
    reader.feed_eof()
    with pytest.raises(StopIteration) as read:
        next(Frame.parse(reader.read_exact, mask=False))
    parsed: Frame = read.value.value
    return parsed


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_a_frame_is_read_back_by_another_library(size: int) -> None:
    frame = read_frame(text_frame(b"x" * size))
    assert (frame.opcode, frame.fin, len(frame.data)) == (Opcode.TEXT, True, size)


@settings(max_examples=40, deadline=None)
@given(SIZES)
@example([60_000] * 10)
def test_a_floor_in_parts_is_the_floor(sizes: list[int]) -> None:
    floor = Floor(restaurant_id=1, revision=1, guests={guest.id: guest for guest in guests(sizes)})
    messages = asyncio.run(full_sync(floor))
    parts = [json.loads(message) for message in messages]
    assert all(len(message) < MESSAGE_BYTES_MAX for message in messages)
    assert [(part["part"], part["parts"]) for part in parts] == [(n + 1, len(parts)) for n in range(len(parts))]
    assert [guest["id"] for part in parts for guest in part["data"]["guests"]] == list(floor.guests)


@settings(max_examples=40, deadline=None)
@given(SIZES, st.sampled_from(["realtime", "sync"]))
@example([60_000] * 10, "sync")
def test_a_commit_in_parts_is_the_commit(sizes: list[int], dialect: Dialect) -> None:
    changes = tuple(Change("guest", guest.id, "create", guest) for guest in guests(sizes))
    messages = entry_messages(Entry(1, 1, 0, "t", True, changes), dialect)
    told = [json.loads(message) for message in messages]
    whole = [message for message in told if message["type"] == "atomic_transaction_complete"]
    echoes = [message for message in told if message["type"] != "atomic_transaction_complete"]
    assert all(len(message) < MESSAGE_BYTES_MAX for message in messages)
    assert [change["entity_id"] for message in whole for change in message["changes"]] == [c.id for c in changes]
    assert [message["guestId"] for message in echoes] == ([c.id for c in changes] if dialect == "realtime" else [])
    assert all(message["echo"] for message in echoes)


def test_a_delta_without_changes_is_one_message() -> None:
    (message,) = delta_messages(1, 0, 5, 5, [])
    assert json.loads(message)["changes"] == []
