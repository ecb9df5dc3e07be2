"""The sync routes: the whole floor, or what changed since a revision."""

from __future__ import annotations

from restohub.floor.model import Floor
from restohub.limits import PAGE_MAX
from restohub.live.deltas import Changed, changes_since, latest, revision_of
from restohub.live.hub import Hub
from restohub.wire.problems import Problem, bad_query, problem
from restohub.wire.responses import JSON, Answer, Delta, Sent, encode, logged_change, revision_headers
from restohub.wire.streamed_lists import Pieces, joined_whole
from restohub.wire.times import time_text

from .request import Query, Request, floor_of
from .streamed_responses import Headers, HeldFloor, json_list


async def full_sync(request: Request) -> Sent:
    """The whole floor at one revision."""
    hub = request.hub
    restaurant_id = Query(request).restaurant_id()
    small = _small_floor(hub, floor_of(hub, restaurant_id))
    if small is not None:
        return small
    async with HeldFloor(request, restaurant_id) as holding:
        snapshot = await holding.snapshot.measured()
        size, pieces = snapshot.body(hub.epoch)
        return holding.streamed(revision_headers(snapshot.floor.revision, hub.epoch), pieces, size)


def _small_floor(hub: Hub, floor: Floor) -> Answer | None:
    body = hub.snapshots.body(floor)
    return None if body is None else Answer(200, [JSON, *revision_headers(floor.revision, hub.epoch)], body)


async def delta(request: Request) -> Sent:
    """What changed since a revision or a time."""
    hub = request.hub
    query = Query(request)
    restaurant_id = query.restaurant_id()
    since = query.integer("since_revision", "sinceRevision")
    time = query.time("since")
    limit = query.integer("limit", least=1, most=PAGE_MAX) or PAGE_MAX
    epoch = query.value("epoch")
    if (since is None) == (time is None):
        raise bad_query("since_revision", "Give exactly one of since_revision (a number) and since (a time).")
    await hub.claims.check(floor_of(hub, restaurant_id), since, epoch)
    if time is not None:
        if time > hub.clock.now():  # what changes before that time comes would never be told
            raise expired("The hub's own clock has not come to that time yet.")
        since = await hub.history.revision_before(floor_of(hub, restaurant_id), time)
    small = await _small_delta(request, restaurant_id, since, limit)
    if small is not None:
        return small
    async with HeldFloor(request, restaurant_id) as holding:
        floor = holding.snapshot.floor
        shown, envelope, headers = _page(hub, floor, await _changes(request, floor, since), limit)
        return holding.streamed(headers, json_list(Pieces(shown, _json).unmeasured(), *envelope))


async def _small_delta(request: Request, restaurant_id: int, since: int | None, limit: int) -> Answer | None:
    """The answer, None where it is too long to be made at once."""
    floor = floor_of(request.hub, restaurant_id)
    shown, (before, after), headers = _page(request.hub, floor, await _changes(request, floor, since), limit)
    whole = joined_whole(shown, _json)
    return None if whole is None else Answer(200, [JSON, *headers], before + whole + after)


async def _changes(request: Request, floor: Floor, since: int | None) -> list[Changed]:
    """What changed; raises Problem `revision_expired`."""
    hub = request.hub
    changes = None if since is None else await changes_since(floor, since, hub.history)
    epoch = Query(request).value("epoch")
    if epoch is not None and epoch != hub.epoch:  # asked last: it may begin anew while the log is read
        raise expired("This hub's history began anew since then.")
    if changes is None:
        raise expired(f"The hub's log does not reach from there to revision {floor.revision}.")
    return changes


def expired(why: str) -> Problem:
    """There is no way from where the client is to where the floor is."""
    return problem("revision_expired", f"{why} Take the full sync.")


def _page(
    hub: Hub, floor: Floor, changes: list[Changed], limit: int
) -> tuple[list[Changed], tuple[bytes, bytes], Headers]:
    """At most `limit` changes, but never a part of one revision's; what stands before and after them; the headers."""
    end = min(limit, len(changes))
    while 0 < end < len(changes) and revision_of(changes[end]) == revision_of(changes[end - 1]):
        end += 1
    whole = end == len(changes)
    last = None if whole else latest(changes[end - 1])
    envelope = Delta(
        restaurant_id=floor.restaurant_id,
        timestamp=time_text(last.time if last else floor.time),
        epoch=hub.epoch,
        revision=last.revision if last else floor.revision,
        changes=[],
        has_more=not whole,
    )
    before, after = encode(envelope).split(b"[]")
    return changes[:end], (before + b"[", b"]" + after), revision_headers(floor.revision, hub.epoch)


def _json(changed: Changed) -> bytes:
    last = latest(changed)
    return encode(logged_change(last.change, last.revision, last.time))
