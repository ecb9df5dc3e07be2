"""Ten hosts who play a script over HTTP, all at once, each with a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import httpx

from restohub.simulate.script import HOSTS, Event
from tests.conftest import Hub

ANSWER_WAIT_S = 30.0
REPEAT_EVERY = 16


class Hosts:
    """The hosts of one restaurant. `answers` are by the event's number, `faults` are sentences.

    Every sixteenth change is sent twice with one `Idempotency-Key`, as by an iPad that missed the first answer.
    """

    def __init__(self, hub: Hub, restaurant_id: int, events: list[Event]) -> None:
        self.hub = hub
        self.restaurant_id = restaurant_id
        self.events = events
        self.answered = [asyncio.Event() for _ in events]
        self.answers: dict[int, Any] = {}
        self.faults: list[str] = []
        self.repeats = 0

    async def play(self, from_min: float, to_min: float) -> int:
        """Play what the script has after the one minute and up to the other; the revision at its end."""
        due = [event for event in self.events if from_min < event.minute <= to_min]
        async with asyncio.TaskGroup() as group:
            for host in range(HOSTS):
                group.create_task(self._play([event for event in due if event.host == host]))
        return sum(event.commits for event in self.events if event.minute <= to_min)

    async def _play(self, events: Iterable[Event]) -> None:
        async with httpx.AsyncClient(
            base_url=self.hub.url, timeout=ANSWER_WAIT_S, trust_env=False, verify=False
        ) as client:
            for event in events:
                for number in event.after:
                    await self.answered[number].wait()
                await self._ask(client, event)
                self.answered[event.number].set()

    async def _ask(self, client: httpx.AsyncClient, event: Event) -> None:
        own = event.path.startswith(("/guests", "/tables"))
        path = f"/restaurants/{self.restaurant_id}{event.path}" if own else event.path
        request = client.build_request(event.method, path, json=event.body)
        if not own:
            request.url = request.url.copy_merge_params({"restaurant_id": self.restaurant_id})
        request.headers["Idempotency-Key"] = f"evening-{event.number}"
        answer = await client.send(request)
        if answer.status_code != event.answer:
            self.faults.append(f"{event.what} ({event.number}): {answer.status_code} not {event.answer}: {answer.text}")
        self.answers[event.number] = answer.json()
        if event.number % REPEAT_EVERY == 0 and event.commits == 1:
            again = await client.send(request)
            self.repeats += 1
            if again.headers.get("Idempotency-Replayed") != "true" or again.content != answer.content:
                self.faults.append(f"{event.what} ({event.number}) again: {again.status_code}: {again.text}")
