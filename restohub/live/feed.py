"""The feed: one ring of commits, and every socket a cursor into it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from restohub.floor.model import DIRECTORY_ID, Change, Entry, Floor, Guest, Restaurant
from restohub.floor.outcomes import Refused
from restohub.limits import (
    ANSWER_BYTES_A_UNIT,
    ANSWER_WAIT_S,
    HIGH_WATER_BYTES,
    PIECE_BYTES,
    PUSHED_BYTES_MAX,
)
from restohub.wire.messages import (
    MESSAGE_BYTES_MAX,
    Dialect,
    deleted_message,
    entry_messages,
    restaurant_message,
    text_frame,
)
from restohub.wire.socket_state import GOING_AWAY, GONE_SILENT, UNKNOWN_RESTAURANT, SendDelta, SendFullSync

from .catch_up import CatchUp, CatchUps
from .cursor import Cursor
from .ports import History
from .snapshots import RestaurantGoneError, Snapshots

# About as much of one restaurant as a client who lags can be sent from it (MESSAGE_BYTES_MAX), with the images and the
# frames of both dialects; who missed more gets a delta. With 8 MiB each commit let go of one that was long out of the
# processor's cache: 3 % of what a change costs.
RING_BYTES_MAX = 1024 * 1024
# What an entry costs beside its frames: the images that it holds on to.
CHANGE_BYTES = 1500
TEXT_BYTES = 60
# How often each socket is looked after.
WATCH_S = 1.0


class Framed:
    """A commit in the ring, with its frames for each dialect once somebody has asked for them."""

    __slots__ = ("entry", "frames", "image_bytes")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.image_bytes = 0
        self.frames: dict[Dialect, bytes] = {}

    @property
    def bytes(self) -> int:
        """What it weighs in the ring: the images it holds on to, and its frames."""
        return self.image_bytes + sum(map(len, self.frames.values()))


class Feed:
    """The ring and its cursors. `floors` are the published ones, always at the revision published last."""

    def __init__(self, floors: dict[int, Floor], history: History, snapshots: Snapshots) -> None:
        # In the order in which they came: a set's order is that of addresses, and no run could be repeated.
        self._cursors: dict[int | None, dict[Cursor, None]] = {}
        self._floors = floors
        self._catch_ups = CatchUps(history, snapshots)
        self._snapshots = snapshots
        self._rings: dict[int, deque[Framed]] = {}
        self._order: deque[Framed] = deque()
        self._bytes = 0

    def publish(self, entries: Sequence[Entry]) -> None:
        """Put commits into the ring and write them to every cursor that is up to date, one write for each."""
        groups: dict[int, list[Framed]] = {}
        for entry in entries:
            if entry.restaurant_id == DIRECTORY_ID:
                continue
            framed = Framed(entry)
            groups.setdefault(entry.restaurant_id, []).append(framed)
            self._rings.setdefault(entry.restaurant_id, deque()).append(framed)
            self._order.append(framed)
            framed.image_bytes = sum(_weight(change) for change in entry.changes)
            self._bytes += framed.image_bytes
        for restaurant_id, group in groups.items():
            self._deliver(restaurant_id, group)
        for entry in entries:
            if entry.restaurant_id == DIRECTORY_ID:
                self._deliver_directory(entry)
        self._trim()

    def _deliver(self, restaurant_id: int, group: list[Framed]) -> None:
        """Write a restaurant's new commits to those who follow it, the same bytes for all of a dialect."""
        head = group[-1].entry.revision
        weight = sum([framed.image_bytes for framed in group])
        self._snapshots.replaced(restaurant_id, weight)
        heavy = weight > PUSHED_BYTES_MAX
        ready: dict[Dialect, bytes] = {}
        for cursor in (*self._cursors.get(restaurant_id, ()), *self._cursors.get(None, ())):
            if not cursor.live:
                continue
            if heavy or not cursor.link.ready:
                cursor.lag()
                continue
            frames = ready.get(cursor.dialect)
            if frames is None:
                frames = ready[cursor.dialect] = b"".join(self._frames(framed, cursor.dialect) for framed in group)
            cursor.link.write(frames)
            cursor.revisions[restaurant_id] = head

    def _deliver_directory(self, entry: Entry) -> None:
        """A restaurant was changed: its sockets are told, after its floor's commits; or deleted: its own are closed."""
        for change in entry.changes:
            if isinstance(change.entity, Restaurant) and change.action == "update":
                self._notify_changed(change.entity)
            elif change.action == "delete":
                self._notify_deleted(int(change.id), entry.time)

    def _notify_changed(self, restaurant: Restaurant) -> None:
        restaurant_id = int(restaurant.id)
        if restaurant_id not in self._floors:  # deleted in the same group
            return
        frame = text_frame(restaurant_message(restaurant, self._floors[restaurant_id].revision))
        for cursor in (*self._cursors.get(restaurant_id, ()), *self._cursors.get(None, ())):
            if cursor.live and cursor.link.ready:
                cursor.link.write(frame)
            else:
                cursor.notices[restaurant_id] = restaurant
                cursor.lag()

    def _notify_deleted(self, restaurant_id: int, time: int) -> None:
        for cursor in self._cursors.get(restaurant_id, ()):
            cursor.link.close(UNKNOWN_RESTAURANT, "this restaurant was deleted")
        frame = text_frame(deleted_message(restaurant_id, time))
        for cursor in self._cursors.get(None, ()):
            cursor.revisions.pop(restaurant_id, None)
            if cursor.live and cursor.link.ready:
                cursor.link.write(frame)
            else:
                cursor.notices[restaurant_id] = time
                cursor.lag()
        self._forget(restaurant_id)

    def join(self, cursor: Cursor) -> None:
        """Let a socket take part; `follow` is its sending task."""
        self._cursors.setdefault(cursor.restaurant_id, {})[cursor] = None

    def leave(self, cursor: Cursor) -> None:
        """Forget a socket."""
        mine = self._cursors[cursor.restaurant_id]
        mine.pop(cursor, None)
        if not mine:
            del self._cursors[cursor.restaurant_id]

    @property
    def connections(self) -> int:
        """How many sockets take part."""
        return sum(map(len, self._cursors.values()))

    def disconnect_all(self) -> None:
        """Close every socket as a stop would: each client comes back, and is told of the new epoch."""
        for cursor in self._all():
            cursor.link.close(GOING_AWAY, "history began anew: connect again")

    def turn_away(self, refused: Refused, which: Callable[[str | None], bool]) -> None:
        """Close the sockets of these devices (None: of no device), each after an `error` that says why."""
        for cursor in self._all():
            if which(cursor.device):
                cursor.turn_away(refused)

    def sockets_of(self, device_id: str | None) -> list[Cursor]:
        """The sockets of a device; None: of those that have not said who they are."""
        return [cursor for cursor in self._all() if cursor.device == device_id]

    async def watch(self) -> None:
        """Look after each socket once a second, for as long as the hub runs."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(WATCH_S)
            now = loop.time()
            for cursor in self._all():
                cursor.tick(now)

    def _all(self) -> list[Cursor]:
        return [cursor for cursors in self._cursors.values() for cursor in cursors]

    async def follow(self, cursor: Cursor) -> None:
        """Keep a cursor at the head for as long as its socket lives: the socket's sending task.

        Connecting, resuming and lagging are this one loop. Between the look that finds nothing behind and `live` there
        is no await, so no commit can fall between them.
        """
        while True:
            cursor.wake.clear()
            cursor.live = False
            await cursor.link.drained()
            if cursor.requests and cursor.answer_due_s() == 0:
                await self._answer(cursor, cursor.requests.popleft())
                continue
            behind = self._behind(cursor)
            if behind is not None:
                await self._advance(cursor, behind)
            elif cursor.notices:
                self._notify(cursor, *cursor.notices.popitem())
            else:
                cursor.live = True
                await cursor.wait_for_work()

    def _notify(self, cursor: Cursor, restaurant_id: int, latest: Restaurant | int) -> None:
        """Tell a cursor that has all commits of a restaurant that the restaurant was changed or deleted meanwhile."""
        if isinstance(latest, int):
            cursor.link.write(text_frame(deleted_message(restaurant_id, latest)))
        elif (floor := self._floors.get(restaurant_id)) is not None:
            cursor.link.write(text_frame(restaurant_message(latest, floor.revision)))

    async def _advance(self, cursor: Cursor, restaurant_id: int) -> None:
        """Bring a cursor to a restaurant's head: by the frames it missed, else a delta, else the whole floor."""
        since = cursor.revisions.get(restaurant_id, 0)
        if not self._wrote_missed(cursor, self._floors[restaurant_id], since):
            await self.catch_up(cursor, restaurant_id, since, least=since + 1)

    def _wrote_missed(self, cursor: Cursor, floor: Floor, since: int) -> bool:
        missed = self._missed(cursor.dialect, floor, since)
        if missed is None:
            return False
        cursor.revisions[floor.restaurant_id] = floor.revision
        cursor.link.write(missed)
        return True

    async def _answer(self, cursor: Cursor, request: SendFullSync | SendDelta) -> None:
        if request.restaurant_id not in self._floors:
            return
        since = request.since_revision if isinstance(request, SendDelta) else None
        least = cursor.revisions.get(request.restaurant_id, 0)
        await self.catch_up(
            cursor,
            request.restaurant_id,
            since,
            least=least,
            before=lambda found: cursor.caller.spend(1 + found.size // ANSWER_BYTES_A_UNIT),
        )
        if since is None:
            cursor.full_sync_at = asyncio.get_running_loop().time()

    async def catch_up(
        self,
        cursor: Cursor,
        restaurant_id: int,
        since: int | None,
        *,
        least: int,
        before: Callable[[CatchUp], None] | None = None,
    ) -> None:
        """Send what changed since a revision, or the whole floor (`since` None, or no way from it).

        `least` is the earliest revision that will do; `before` is told what will be sent just before it is.
        Who has not taken it within ANSWER_WAIT_S is closed.
        """
        try:
            async with (
                asyncio.timeout(ANSWER_WAIT_S),
                self._catch_ups.since(restaurant_id, since, cursor.caller, least) as found,
            ):
                if before is not None:
                    before(found)
                await self.send(cursor, found.floor, found.frames)
        except TimeoutError:
            cursor.link.close(GONE_SILENT, "the floor was not taken within a minute")
        except RestaurantGoneError:  # its sockets were closed when it was deleted
            pass

    async def send(self, cursor: Cursor, floor: Floor, frames: Iterable[bytes]) -> None:
        """Send the parts of one message as fast as they are taken, with nothing of another between them."""
        cursor.hold()
        for number, frame in enumerate(frames):
            if number:
                cursor.link.let_wait(PIECE_BYTES)
                await asyncio.sleep(0)  # others have their turn, however fast this one takes it
                await cursor.link.drained()
            cursor.link.write(frame)
        cursor.link.let_wait(HIGH_WATER_BYTES)
        cursor.revisions[floor.restaurant_id] = floor.revision
        cursor.release()

    def _behind(self, cursor: Cursor) -> int | None:
        """A restaurant whose head the cursor has not, None where it is up to date."""
        if cursor.restaurant_id is not None:
            floor = self._floors.get(cursor.restaurant_id)
            return (
                None
                if floor is None or cursor.revisions.get(floor.restaurant_id) == floor.revision
                else floor.restaurant_id
            )
        for floor in self._floors.values():
            if cursor.revisions.get(floor.restaurant_id, 0) != floor.revision:
                return floor.restaurant_id
        return None

    def _missed(self, dialect: Dialect, floor: Floor, since: int) -> bytes | None:
        """The frames of the commits after `since`, None where the ring no longer has them or they are too many."""
        missed: list[bytes] = []
        size = 0
        for framed in reversed(self._rings.get(floor.restaurant_id, ())):
            if framed.entry.revision <= since:
                break
            if framed.image_bytes > PUSHED_BYTES_MAX:
                return None
            frames = self._frames(framed, dialect)
            size += len(frames)
            if size >= MESSAGE_BYTES_MAX:
                return None
            missed.append(frames)
        return b"".join(reversed(missed)) if len(missed) == floor.revision - since else None

    def _frames(self, framed: Framed, dialect: Dialect) -> bytes:
        frames = framed.frames.get(dialect)
        if frames is None:
            frames = b"".join(text_frame(message) for message in entry_messages(framed.entry, dialect))
            framed.frames[dialect] = frames
            self._bytes += len(frames)
        return frames

    def _forget(self, restaurant_id: int) -> None:
        """Let go of what is kept of a restaurant that is gone."""
        self._snapshots.forget(restaurant_id)
        self.forget_commits(restaurant_id)

    def forget_commits(self, restaurant_id: int) -> None:
        """Let go of a restaurant's commits: whoever missed one gets a delta, of what is there now."""
        for framed in self._rings.pop(restaurant_id, ()):
            self._bytes -= framed.bytes
        self._order = deque(framed for framed in self._order if framed.entry.restaurant_id != restaurant_id)

    def _trim(self) -> None:
        while self._bytes > RING_BYTES_MAX and self._order:
            framed = self._order.popleft()
            ring = self._rings[framed.entry.restaurant_id]
            ring.popleft()
            if not ring:
                del self._rings[framed.entry.restaurant_id]
            self._bytes -= framed.bytes


def _weight(change: Change) -> int:
    """What holding on to a change's image costs, about."""
    guest = change.entity
    if not isinstance(guest, Guest):
        return CHANGE_BYTES
    texts = [guest.notes or "", guest.special_requests or "", *guest.tags, *guest.dietary_restrictions]
    return CHANGE_BYTES + TEXT_BYTES * len(texts) + 4 * sum(map(len, texts))
