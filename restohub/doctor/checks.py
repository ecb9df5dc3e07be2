"""The order of the doctor's checks, each with the results of those before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from restohub.config import Settings
from restohub.store.data_folder import is_served

from . import backups, database, folder, machine_clock, mdns, network, tls_certificate
from .last_run import check_last_run
from .report import Check

T = TypeVar("T")
PATIENCE_S = 2.0

# Called with what is being done when that takes long, and with "" when it is done.
Progress = Callable[[str], None]


async def run_checks(chosen: Settings, progress: Progress) -> AsyncIterator[Check]:
    """The checks one by one, within about ten seconds; nothing of the hub is changed, stopped or held up."""

    async def patiently(doing: str, work: Awaitable[T]) -> T:
        telling = asyncio.get_running_loop().call_later(PATIENCE_S, progress, doing)
        try:
            return await work
        finally:
            telling.cancel()
            progress("")

    served = is_served(chosen.data)
    checked, seen = await patiently("Reading the database", database.check_database(chosen.data, chosen.backup_to))
    install_id = seen.install_id if seen else None
    listener = await patiently("Asking the hub", network.who_answers(chosen.host, chosen.first_port))
    yield network.check_port(chosen, listener, install_id, served)
    reached, choice = network.check_addresses(chosen)
    yield reached
    ours = listener.ours(install_id, served) if listener else None
    asking = mdns.check_discovery(chosen, choice, ours, install_id)
    if chosen.secure:
        yield tls_certificate.check_tls(chosen, ours)
    for check in await patiently("Listening in the network", asking):
        yield check
    yield folder.check_permissions(chosen.data)
    yield folder.check_free_space(chosen.data)
    yield await patiently("Measuring the disk", folder.check_disk_speed(chosen.data))
    yield checked
    yield backups.check_backups(chosen.data, chosen.backup_to, chosen.backup_key, seen)
    yield database.check_sqlite_version()
    yield machine_clock.check_clock(seen.last_commit if seen else None)
    yield check_last_run(chosen.data, served)
