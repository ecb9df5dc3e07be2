"""Playing an evening: ten hosts with a connection each, a socket, and a line that reports progress."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from ssl import SSLContext
from statistics import median, quantiles
from typing import TextIO

from .client import AwayError, Client, refuse_closed
from .crowd import OPENS_HOUR
from .evening import PARTIES, clock, evening
from .floor_plan import FOURS, TWOS
from .script import HOSTS, Event
from .watch import Watch

NAME = "Simulated evening"
TERMINAL_LINE_S, PIPE_LINE_S = 0.25, 3.0
SURPRISES_SHOWN = 5


async def play(
    url: str,
    speed: float,
    seed: int,
    token: str = "",
    tls: SSLContext | None = None,
    progress: TextIO = sys.stderr,
    summary: TextIO = sys.stdout,
) -> bool:
    """Play the evening of `seed` in a new restaurant at `url`, `speed` simulated minutes a second (0: no waiting).

    Whether every answer was as the script has it, and every change arrived on the socket. AwayError where the hub
    cannot be reached, or goes away. However it ends, the summary says how far it came.
    """
    client = Client(url, token, tls)
    try:
        made = await client.ask("POST", "/restaurants", {"name": NAME, "timezone": "UTC"})
    finally:
        client.close()
    restaurant_id = made.body.get("id") if isinstance(made.body, dict) else None
    refuse_closed(client, made.status)
    if made.status != 201 or not isinstance(restaurant_id, int):
        raise AwayError(f"{client.url} answered {made.status} when asked for a new restaurant: is that a hub?")
    print(f"{NAME}: restaurant {restaurant_id} at {client.url}, seed {seed}.", file=summary, flush=True)
    played = _Play(
        partial(Client, client.url, token, tls), restaurant_id, speed, evening(seed, datetime.now(UTC).date())
    )
    try:
        await played.to_the_end(progress)
    finally:
        print("\n".join(played.summary()), file=summary, flush=True)
    return played.arrived and not played.surprises


class _Play:
    """What has been asked and answered so far; each host asks by a client of his own."""

    def __init__(self, client: Callable[[], Client], restaurant_id: int, speed: float, events: list[Event]) -> None:
        self.client, self.restaurant_id, self.speed, self.events = client, restaurant_id, speed, events
        self.answered = [asyncio.Event() for _ in events]
        self.watch = Watch(client(), restaurant_id)
        self.started_s = time.monotonic()
        self.minute = 0.0
        self.took_s: list[float] = []
        self.changes = 0
        self.surprises: list[str] = []

    async def to_the_end(self, progress: TextIO) -> None:
        await self.watch.open()
        self.started_s = time.monotonic()
        try:
            async with asyncio.TaskGroup() as group:
                others = [group.create_task(self.watch.follow()), group.create_task(self.tell(progress))]
                by_host = ([event for event in self.events if event.host == host] for host in range(HOSTS))
                hosts = [group.create_task(self.host(events)) for events in by_host]
                await asyncio.wait(hosts)
                await self.watch.caught_up(self.changes)
                for task in others:
                    task.cancel()
        except ExceptionGroup as failed:  # the first is why the others were cancelled
            raise failed.exceptions[0] from failed
        finally:
            print(self.line(), file=progress, flush=True)
            await self.watch.close()

    async def host(self, events: Iterable[Event]) -> None:
        """One host: a request at its minute, once those it builds on are answered."""
        client = self.client()
        try:
            for event in events:
                if self.speed:
                    await asyncio.sleep(self.started_s + event.minute / self.speed - time.monotonic())
                for number in event.after:
                    await self.answered[number].wait()
                await self.ask(client, event)
        finally:
            client.close()

    async def ask(self, client: Client, event: Event) -> None:
        own = event.path.startswith(("/guests", "/tables"))
        path = f"/restaurants/{self.restaurant_id}" if own else ""
        query = "" if own else f"?restaurant_id={self.restaurant_id}"
        answer = await client.ask(event.method, f"{path}{event.path}{query}", event.body, f"evening-{event.number}")
        self.took_s.append(answer.took_s)
        self.minute = max(self.minute, event.minute)
        if answer.status == event.answer:
            self.changes += event.commits
        else:
            self.surprises.append(f"{event.what}: {answer.status} not {event.answer}, {answer.body}")
        self.answered[event.number].set()

    async def tell(self, out: TextIO) -> None:
        """The line, again and again: over itself on a terminal, seldom and plain in a pipe."""
        terminal = out.isatty()
        while True:
            await asyncio.sleep(TERMINAL_LINE_S if terminal else PIPE_LINE_S)
            print(self.line(), end="\r" if terminal else "\n", file=out, flush=True)

    @property
    def arrived(self) -> bool:
        return self.watch.revision >= self.changes and not self.watch.gaps

    def line(self) -> str:
        parties = self.watch.parties()
        counts = "  ".join(f"{phase} {parties[phase]:3}" for phase in ("waiting", "seated", "done"))
        answer_ms = median(self.took_s) * 1000 if self.took_s else 0.0
        elapsed = (time.monotonic() - self.started_s) * self.speed
        now = clock(min(elapsed, self.events[-1].minute) if self.speed else self.minute)
        return f"{now}  {counts}  changes {self.changes:4}  answer {answer_ms:6.1f} ms"

    def summary(self) -> list[str]:
        took_s = time.monotonic() - self.started_s
        of = f"{PARTIES} parties over {FOURS + TWOS} tables, {OPENS_HOUR}:00 to {clock(self.minute)}"
        requests = f"{len(self.took_s)} of {len(self.events)} requests by {HOSTS} hosts"
        lines = [f"{of}: {requests}, {self.changes} changes in {took_s:.1f} s."]
        if len(self.took_s) > 1:
            slow_ms = quantiles(self.took_s, n=100)[98] * 1000
            lines.append(f"Answers: {median(self.took_s) * 1000:.1f} ms in the median, 99% within {slow_ms:.1f} ms.")
        watch = self.watch
        told = "every change arrived" if self.arrived else "CHANGES ARE MISSING"
        if len(self.took_s) < len(self.events):
            told = "ended early"
        lines.append(f"Socket: {watch.messages} messages, {watch.bytes:,} bytes, revision {watch.revision}: {told}.")
        if self.surprises:
            lines.append(f"{len(self.surprises)} answers were not as the script has them:")
            lines += self.surprises[:SURPRISES_SHOWN]
        return lines
