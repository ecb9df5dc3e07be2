"""The doctor's round: every check in its order, each with what those before it found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from restohub.config import Settings
from restohub.store.data_folder import is_served

from . import backups, database, folder, machine_clock, mdns, network
from .last_run import last_run
from .report import Check

T = TypeVar("T")
PATIENCE_S = 2.0

# Told what is being done when that takes long, and "" when it is done.
Progress = Callable[[str], None]


async def examine(chosen: Settings, progress: Progress) -> AsyncIterator[Check]:
    """The checks one by one, within about ten seconds; nothing of the hub is changed, stopped or held up."""

    async def patiently(doing: str, work: Awaitable[T]) -> T:
        telling = asyncio.get_running_loop().call_later(PATIENCE_S, progress, doing)
        try:
            return await work
        finally:
            telling.cancel()
            progress("")

    served = is_served(chosen.data)
    checked, seen = await patiently("Reading the database", database.database(chosen.data, chosen.backup_to))
    install_id = seen.install_id if seen else None
    listener = await patiently("Asking the hub", network.who_answers(chosen.host, chosen.port))
    yield network.port(chosen, listener, install_id, served)
    reached, choice = network.addresses(chosen)
    yield reached
    ours = listener.ours(install_id, served) if listener else None
    asking = mdns.discovery(chosen, choice, ours, install_id)
    for check in await patiently("Listening in the network", asking):
        yield check
    yield folder.rights(chosen.data)
    yield folder.space(chosen.data)
    yield await patiently("Measuring the disk", folder.speed(chosen.data))
    yield checked
    yield backups.backups(chosen.data, chosen.backup_to, seen)
    yield database.sqlite_version()
    yield machine_clock.clock(seen.last_commit if seen else None)
    yield last_run(chosen.data, served)
