"""The health route: whether a change could be saved now, and what the hub is."""

from __future__ import annotations

import shutil
from pathlib import Path

from msgspec import UNSET

from restohub.floor.size_limits import nearly_full
from restohub.live.backup_warnings import backup_warnings
from restohub.live.hub import Hub
from restohub.net.urls import COPY_ADVICE
from restohub.store.data_folder import DATABASE, size_of, wal_path
from restohub.store.sqlite_version import SQLITE_VERSION, has_wal_reset_bug
from restohub.wire.responses import Answer, BackupHealth, DatabaseHealth, Discovery, Health, TlsHealth, json_answer
from restohub.wire.times import time_text

from .client_address import is_own_machine
from .health_page import health_page
from .local_time import local_time, utc_time
from .problem_pages import HTML, wants_page
from .request import Request

# All that a closed hub tells a stranger of what is wrong with it.
STRANGERS_REASON = "changes cannot be saved now"


async def health(request: Request) -> Answer:
    """Whether the hub is well: 200, or 503 with the reason where a change could not be saved now."""
    hub = request.hub
    reason = hub.writer.trouble()
    whole = is_own_machine(request.scope)
    stranger = hub.access.closed and not whole and request.device is None
    body = Health(
        status="unhealthy" if reason else "healthy",
        service="sync",
        id=hub.endpoint.id,
        run=hub.endpoint.run,
        version=hub.version if whole else hub.release,
        timestamp=time_text(hub.clock.now()),
        uptime_seconds=0 if stranger else int(hub.clock.monotonic() - hub.clock.started),
        connections=0 if stranger else hub.feed.connections,
        restaurants=0 if stranger else len(hub.writer.directory.restaurants),
        database=_database(hub, reason) if whole else _database_told(hub, reason, stranger=stranger),
        discovery=hub.discovery() if whole else Discovery(hub.discovery().state, "", "", []),
        clock_behind_seconds=hub.clock.behind_s(),
        backup=BackupHealth(None, [], []) if stranger else _backup(hub, whole),
        access=hub.access.mode,
        tls=TlsHealth(hub.endpoint.tls_port, hub.endpoint.fingerprint) if hub.endpoint.tls_port else None,
        reason=(STRANGERS_REASON if stranger else reason) if reason else UNSET,
    )
    status = 503 if reason else 200
    if wants_page(request.scope):
        time = utc_time(hub.clock.now()) if stranger else local_time(hub)
        return Answer(status, [HTML], health_page(body, time, None if stranger else _last_backup(hub, body)))
    return json_answer(body, status)


def _last_backup(hub: Hub, body: Health) -> str:
    """When the last good backup was made and where it lies, for people."""
    made = hub.backups().time
    if made is None:
        return "none yet"
    return f"{local_time(hub, made)}, in {' and '.join(['the data folder', *body.backup.places])}"


def _backup(hub: Hub, whole: bool) -> BackupHealth:
    """The last good backup; where its copies lie is told to the hub's own machine alone."""
    told = hub.backups()
    last = None if told.time is None else time_text(told.time)
    return BackupHealth(last, told.places, told.missing) if whole else BackupHealth(last, [], [])


def _database_told(hub: Hub, reason: str | None, *, stranger: bool) -> DatabaseHealth:
    """What others than the hub's own machine are told: nothing of its SQLite and its disk."""
    return DatabaseHealth("unavailable" if reason else "ok", "", 0, 0, 0, [] if stranger else warnings(hub))


def _database(hub: Hub, reason: str | None) -> DatabaseHealth:
    return DatabaseHealth(
        status="unavailable" if reason else "ok",
        sqlite_version=SQLITE_VERSION,
        size_bytes=size_of(hub.folder / DATABASE),
        wal_bytes=size_of(wal_path(hub.folder)),
        free_bytes=_free_bytes(hub.folder),
        warnings=[*warnings(hub), *_warnings_of_sqlite()],
    )


def _free_bytes(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:  # the folder is gone: the next change stops the hub
        return 0


def warnings(hub: Hub) -> list[str]:
    """What staff must know, told to all."""
    writer = hub.writer
    full = nearly_full(writer.floors.values(), writer.holdings.size, writer.holdings.restaurants_max)
    copy_at = hub.discovery().copy_at
    copies = [COPY_ADVICE.format(at=copy_at)] if copy_at else []
    running_s = hub.clock.monotonic() - hub.clock.started
    since = min([hub.clock.started_at, *(one.created_at for one in writer.directory.restaurants.values())])
    backups = backup_warnings(hub.backups(), since, hub.clock.now(), running_s)
    tls = hub.tls_warnings(hub.clock.now())
    pins = [hub.access.staff.lost] if hub.access.staff.lost else []
    return [*hub.present.warnings(hub.clock.monotonic()), *full, *copies, *backups, *tls, *pins]


def _warnings_of_sqlite() -> list[str]:
    if not has_wal_reset_bug():
        return []
    return [
        f"SQLite {SQLITE_VERSION} has the WAL-reset bug. The hub is safe from it (one connection writes); "
        "do not write to its database with another program while it runs."
    ]
