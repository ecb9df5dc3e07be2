"""This file is the routes by which a client comes to hold the floor: all of it, or what changed."""

from __future__ import annotations

from restohub.floor.nouns import Floor
from restohub.limits import PAGE_MAX
from restohub.live.deltas import Latest, changes_since
from restohub.live.hub import Hub
from restohub.wire.answers import JSON, Answer, Delta, json_answer, logged_change, revision_headers
from restohub.wire.problems import Problem, bad_query, problem
from restohub.wire.times import time_text

from .asking import Query, Request, floor_of

# An iPad's own clock may be so far ahead of the hub's.
AHEAD_S = 600


async def full_sync(request: Request) -> Answer:
    """The whole floor at one revision."""
    hub = request.hub
    floor = floor_of(hub, Query(request).restaurant_id())
    headers = [JSON, *revision_headers(floor.revision, hub.epoch)]
    return Answer(200, headers, hub.snapshots.body(floor))


async def delta(request: Request) -> Answer:
    """What changed since a revision or a time."""
    hub = request.hub
    query = Query(request)
    restaurant_id = query.restaurant_id()
    since = query.integer("since_revision", "sinceRevision")
    time = query.time("since")
    limit = query.integer("limit", least=1, most=PAGE_MAX) or PAGE_MAX
    epoch = query.one("epoch")
    if (since is None) == (time is None):
        raise bad_query("since_revision", "Give exactly one of since_revision (a number) and since (a time).")
    floor = floor_of(hub, restaurant_id)
    await request.sockets.claims.hear(hub, floor, since, epoch)
    if time is not None:
        if restaurant_id in hub.history.resets and time > hub.clock.now() + AHEAD_S:
            raise expired("The hub's clock was ahead when it gave that time, and was set right since.")
        since = await hub.history.revision_before(floor, time)
    changes = None if since is None else await changes_since(floor, since, hub.history)
    if epoch is not None and epoch != hub.epoch:  # asked last: it may begin anew while the log is read
        raise expired("This hub's history began anew since then.")
    if changes is None:
        raise expired(f"The hub's log does not reach from there to revision {floor.revision}.")
    return _page(hub, floor, changes, limit)


def expired(why: str) -> Problem:
    """There is no way from where the client is to where the floor is."""
    return problem("revision_expired", f"{why} Take the full sync.")


def _page(hub: Hub, floor: Floor, changes: list[Latest], limit: int) -> Answer:
    """At most `limit` changes, but never a part of one revision's."""
    end = min(limit, len(changes))
    while 0 < end < len(changes) and changes[end].revision == changes[end - 1].revision:
        end += 1
    whole = end == len(changes)
    revision, time = (floor.revision, floor.time) if whole else (changes[end - 1].revision, changes[end - 1].time)
    body = Delta(
        restaurant_id=floor.restaurant_id,
        timestamp=time_text(time),
        epoch=hub.epoch,
        revision=revision,
        changes=[logged_change(latest.change, latest.revision, latest.time) for latest in changes[:end]],
        has_more=not whole,
    )
    return json_answer(body, headers=revision_headers(floor.revision, hub.epoch))
