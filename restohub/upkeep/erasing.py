"""Erasing: people are taken out of the floor, the store and, where that is wanted, the backups, one after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence, Set
from contextlib import suppress
from functools import partial

from msgspec import structs

from restohub.floor.forgetting import Person, forgetting, uncounted
from restohub.floor.model import Floor
from restohub.floor.outcomes import Result
from restohub.live.clock import new_id
from restohub.live.group_commit import Step
from restohub.live.hub import Hub
from restohub.live.ports import (
    REVISION_MAX,
    Backups,
    Between,
    Erasure,
    Held,
    People,
    StorageFailedError,
    StorageFullError,
    StorageUnavailableError,
)
from restohub.live.writer import Writer
from restohub.wire.problems import Problem
from restohub.wire.responses import Answer

log = logging.getLogger("restohub.people")

# Between two steps, so that others write meanwhile.
REST_S = 0.002
AGAIN_S = 60.0
TROUBLE = (Problem, StorageFullError, StorageUnavailableError, OSError)


class Erasing:
    """Forgets the people of the list of erasures, which is kept beside the database and outlasts it."""

    def __init__(self, people: People, backups: Backups) -> None:
        self._people = people
        self._backups = backups
        self._erasures = {one.id: one for one in people.erasures()}
        self._running: str | None = None
        self._asked = asyncio.Event()
        # Each reads the whole log; one after the other is enough.
        self._searching = asyncio.Lock()
        self._keeping = asyncio.Lock()

    async def ask(self, restaurant_id: int, person: Person, renew: bool, now: int) -> Erasure:
        """Have a person forgotten, noted on the disk; raises OSError."""
        made = Erasure(id=new_id(), restaurant_id=restaurant_id, person=person, asked=now, renew=renew)
        await self._keep(made)
        self._asked.set()
        return made

    def count(self) -> int:
        """How many erasures are on the list."""
        return len(self._erasures)

    def find(self, restaurant_id: int, erasure_id: str) -> Erasure | None:
        """How far an erasure is, None where there is none of this id in the restaurant."""
        found = self._erasures.get(erasure_id)
        return None if found is None or found.restaurant_id != restaurant_id else found

    def is_running(self, erasure_id: str) -> bool:
        """Whether an erasure is being done at this moment."""
        return self._running == erasure_id

    async def held(self, floor: Floor, person: Person) -> Held:
        """What is held of a person; raises StorageFailedError, StorageUnavailableError."""
        async with self._searching:
            return await self._people.held(floor, person)

    async def catch_up(self, hub: Hub) -> None:
        """Forget again whom a database that was put back still holds; raises StorageFailedError where it cannot."""
        try:
            marks = await self._people.marks(partial(_between, hub.writer))
            again = [one for one in self._erasures.values() if one.done is not None and one.id not in marks]
            if again:
                log.info("The data still hold somebody who was forgotten; that is done again first.")
                await self._forget(hub, again)
        except TROUBLE as fault:
            raise StorageFailedError(
                f"The data in {hub.folder} still hold somebody who was forgotten, and are not served before that is "
                f"done again, which failed: {fault}."
            ) from fault

    async def run(self, hub: Hub) -> None:
        """Forget whoever is on the list, for as long as the hub runs."""
        while True:
            self._asked.clear()
            try:
                while (one := self._next()) is not None:
                    await self._work_on(hub, one)
            except TROUBLE as fault:
                log.warning("A person could not be forgotten yet: %s. It is tried again in a minute.", fault)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._asked.wait(), AGAIN_S)
                continue
            await self._asked.wait()

    def _next(self) -> Erasure | None:
        """What to do first: no backup is made while anybody is still to be forgotten."""
        kept = self._erasures.values()
        to_renew = (one for one in kept if one.renew and one.renewed is None)
        return next((one for one in kept if one.done is None), None) or next(to_renew, None)

    async def _work_on(self, hub: Hub, one: Erasure) -> None:
        self._running = one.id
        try:
            await (self._renew(hub, one) if one.done is not None else self._forget(hub, [one]))
        finally:
            self._running = None

    async def _forget(self, hub: Hub, many: Sequence[Erasure]) -> None:
        """Everything that erasures do in the data folder, in an order in which it may be cut and done again."""
        between = partial(_between, hub.writer)
        many = [await self._take_out(hub, one, between) for one in many]
        await self._people.clean(max(one.asked for one in many), between)
        await self._people.mark([one.id for one in many], hub.clock.now(), between)
        for one in many:
            await self._keep(structs.replace(one, done=one.done or hub.clock.now()))
            log.info("A person is forgotten. Guests who were this person, past ones included: %d.", len(one.ids))
        await asyncio.to_thread(self._people.keep_beside_backups)

    async def _take_out(self, hub: Hub, one: Erasure, between: Between) -> Erasure:
        """Take a person out of the floor, the feed and the rows of the store; the erasure with the ids."""
        gone = Floor(restaurant_id=one.restaurant_id, revision=REVISION_MAX)  # its log goes a little at a time
        floor = hub.writer.floors.get(one.restaurant_id, gone)
        ids = await self._people.found(floor, one.person, one.ids)
        one = structs.replace(one, ids=tuple(sorted(ids)))
        await self._keep(one)
        await self._leave_floor(hub, one.restaurant_id, one.ids)
        await self._people.scrub(hub.writer.floors.get(one.restaurant_id, gone), ids, between)
        await between(partial(forget_counted, hub.writer, one.restaurant_id, ids))
        hub.feed.forget_commits(one.restaurant_id)
        return one

    async def _leave_floor(self, hub: Hub, restaurant_id: int, ids: Sequence[str]) -> None:
        """Make nobody of those who are on the floor, by changes like any other."""
        for guest_id in ids:
            floor = hub.writer.floors.get(restaurant_id)
            guest = None if floor is None else floor.guests.get(guest_id)
            command = None if guest is None else forgetting(guest)
            if command is not None:
                step = Step(command=command, transaction_id=new_id())
                await hub.writer.submit(restaurant_id, [step], _nothing)

    async def _renew(self, hub: Hub, one: Erasure) -> None:
        """Make the backups anew, so that none is older than the erasure; raises StorageUnavailableError."""
        fault = await self._backups.make(renew=True)
        if fault is not None:
            raise StorageUnavailableError(fault)
        missing = (await asyncio.to_thread(self._backups.look)).missing
        await self._keep(structs.replace(one, renewed=hub.clock.now(), missing=tuple(missing)))
        await asyncio.to_thread(self._people.keep_beside_backups)

    async def _keep(self, one: Erasure) -> None:
        """Have an erasure on the list as it is now, on the disk first."""
        async with self._keeping:
            if self._erasures.get(one.id) == one:
                return
            kept = {**self._erasures, one.id: one}
            await asyncio.to_thread(self._people.keep, list(kept.values()))
            self._erasures = kept


async def forget_counted(writer: Writer, restaurant_id: int, ids: Set[str]) -> int:
    """Have the floor forget the hashes of these guests who left it, as the store did; to be done between two groups."""
    floor = writer.floors.get(restaurant_id)
    if floor is not None:
        writer.floors[restaurant_id] = uncounted(floor, ids)
    return len(ids)


async def _between(writer: Writer, work: Callable[[], Awaitable[int]]) -> int:
    done = await writer.between_groups(work)
    await asyncio.sleep(REST_S)
    return done


def _nothing(results: Sequence[Result], floor: Floor) -> Answer:  # noqa: ARG001 (every answering takes it)
    return Answer(204, [], b"")
