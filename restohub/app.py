"""The wiring diagram: every part of the hub, built once and closed in reverse."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import sys
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

from msgspec import structs

from restohub.access.devices import Access
from restohub.access.roles import Mode
from restohub.access.visitors import Visitors
from restohub.boot.install import ONE_FILE
from restohub.config import BESIDE_HUB, PREFIX, Settings
from restohub.floor.model import DIRECTORY_ID, Change, Entry, Restaurant
from restohub.live.address_usage import Callers
from restohub.live.client_ahead import Claims
from restohub.live.clock import Clock, new_epoch, new_id
from restohub.live.epoch import PUT_BACK, Epoch
from restohub.live.feed import Feed
from restohub.live.hub import Hub
from restohub.live.hub_address import Endpoint
from restohub.live.list_index import Listings
from restohub.live.ports import (
    Backups,
    BackupState,
    Erasures,
    Record,
    StorageFailedError,
    StorageFullError,
    StorageUnavailableError,
)
from restohub.live.snapshots import Snapshots
from restohub.live.writer import Writer
from restohub.logs.events import event
from restohub.logs.lines import on_loop_fault
from restohub.net.attempts_file import read_attempts
from restohub.net.certificate import Certificate
from restohub.net.certificate_watch import watch_certificate
from restohub.net.health_probe import identify_hub
from restohub.net.machine_token import renew_machine_token
from restohub.net.mdns_advertise import Advertiser
from restohub.net.pepper_file import known_staff
from restohub.net.runfile import write_runfile
from restohub.net.served_certificate import ServedCertificate
from restohub.net.visitor_file import keep_visitors, read_visitors, remember_spoke
from restohub.open_files import allow_many_sockets
from restohub.store.append import Ledger
from restohub.store.backup_process import BackupProcess
from restohub.store.connection import Connection, open_reader, open_writer
from restohub.store.data_folder import DATABASE, FolderError, FolderLock
from restohub.store.disk_reserve import Reserve
from restohub.store.eraser import Eraser
from restohub.store.history import History
from restohub.store.load import Loaded, initialise, load
from restohub.store.people import People
from restohub.store.read_only import ReadOnlyLedger, readable
from restohub.store.restored_data import begin_run
from restohub.upkeep.clock_watch import ClockWatch
from restohub.upkeep.day_close import close_days
from restohub.upkeep.erasing import Erasing
from restohub.upkeep.machine_timezone import knows_zone, machine_zone
from restohub.upkeep.nightly_backup import NightlyBackup
from restohub.upkeep.regulars import end_old_hashes
from restohub.upkeep.retention import Retention
from restohub.upkeep.seen_devices import keep_seen_devices
from restohub.upkeep.watchdog import Watchdog
from restohub.web.application import application
from restohub.web.board_files import read_board
from restohub.web.client_address import Peers
from restohub.web.guard import Guard
from restohub.web.package_files import read_all
from restohub.web.transport.admission import Admission
from restohub.web.transport.listener import bound_socket
from restohub.web.transport.server import HubServer, server_config
from restohub.wire.responses import Discovery

log = logging.getLogger("restohub")

FIRST_RESTAURANT = "Restaurant"
# So many new objects that may belong to a cycle are let be before they are looked through.
GARBAGE_MAX = 20_000
# A disk that hangs must not keep the hub from stopping within its 5 s.
DRAIN_WAIT_S = 2.0
STOPPING = event("stopping")


async def serve(settings: Settings, on_ready: Callable[[Endpoint, Mode], None]) -> None:
    """Run a hub until it is told to stop.

    Raises FolderError, PortError, CertificateError, DamageError, StorageFailedError, StorageBackError.
    """
    # All that the hub makes is for its own user alone: folders 0700, files 0600, SQLite's and copies included.
    os.umask(0o077)
    asyncio.get_running_loop().set_exception_handler(on_loop_fault)
    allow_many_sockets()
    with FolderLock(settings.data):
        async with AsyncExitStack() as stack:
            folder, fault = stack.enter_context(readable(settings.data))
            backups = backup_process(settings)
            # A copy that is served from memory is changed as it is: the data on the disk stay.
            first = None if fault else partial(_backed_up, backups, settings.data)
            writing = await open_writer(folder, first)
            ledger = Ledger(writing, folder / DATABASE)
            if fault is not None:
                log.warning("The disk of %s cannot be written: %s. The hub shows what is on it.", settings.data, fault)
                ledger = ReadOnlyLedger(writing, folder / DATABASE, settings.data, fault)
            else:
                ledger.reserve = Reserve(folder)
                ledger.reserve.make()
            stack.push_async_callback(_close_writing, writing, ledger)
            reading = await open_reader(folder)
            stack.push_async_callback(reading.close)
            loaded = await _loaded(writing, ledger)
            if loaded.mode is None and settings.access == "closed":
                loaded = await _closed(ledger, loaded)
            before, loaded = loaded.epoch, await begin_run(ledger, writing, settings.data, loaded, new_epoch())
            epoch = Epoch(loaded.epoch, None if loaded.epoch == before else PUT_BACK, loaded.claimed_at)
            for incident in epoch.incidents:
                log.warning("%s", incident)
            history = History(reading, loaded.resets, loaded.contact_key)
            await _run(settings, loaded, epoch, ledger, history, backups, on_ready)


async def _run(
    settings: Settings,
    loaded: Loaded,
    epoch: Epoch,
    ledger: Ledger,
    history: History,
    backups: Backups,
    on_ready: Callable[[Endpoint, Mode], None],
) -> None:
    clock = Clock(max([loaded.directory.time, *(floor.time for floor in loaded.floors.values())]))
    peers = Peers(clock.monotonic, allow_public=settings.allow_public)
    callers = Callers(settings.shared_addresses, clock.monotonic, peers.key)
    served = ServedCertificate(settings, loaded.install_id)
    endpoint, bound, tls = listen(settings, loaded.install_id, served.shown)
    advertiser = Advertiser(endpoint, version("restohub"), identify_hub)
    nightly = NightlyBackup(backups, clock, machine_zone())
    people = People(settings.data, history, Eraser(ledger), loaded.contact_key)
    erasing = Erasing(people, backups)
    told = (advertiser.state, nightly.told, erasing, served.warnings)
    hub = _hub(settings, loaded, epoch, ledger, history, clock, callers, endpoint, *told)
    advertiser.access = lambda: hub.access.mode
    writer = hub.writer
    guard = Guard(settings.allowed_hosts, peers.permitted, clock.monotonic)
    writing = asyncio.create_task(writer.run())
    if ledger.refuses is None:
        await erasing.catch_up(hub)
    watchdog = Watchdog(writer.confirm_alive)

    def listening() -> None:
        write_runfile(settings.data, endpoint)
        on_ready(endpoint, hub.access.mode)
        watchdog.ready(f"Serving {endpoint.name!r} on port {endpoint.port}")
        if endpoint.advertised:
            advertiser.start(endpoint.bound, endpoint.port)

    async def before_stop() -> None:
        log.info("The hub is stopping: what it has taken is saved and answered first.", extra=STOPPING)
        watchdog.stopping()
        writer.stop()
        await asyncio.gather(asyncio.wait([writing], timeout=DRAIN_WAIT_S), advertiser.stop())
        writer.give_up()

    admission = Admission(hub.callers)
    server = HubServer(server_config(application(hub, guard), admission), listening, before_stop)
    if tls is not None:
        server.serve_tls(tls, served.context, admission)
    writing.add_done_callback(lambda _: setattr(server, "should_exit", True))
    forgetting = erasing.run(hub), end_old_hashes(hub, people, settings.regular_days)
    chores = (*_chores(hub, settings, served), *forgetting, nightly.run(writer), watchdog.feed())
    tasks = [_beside(server, work) for work in chores]
    collect_garbage_rarely()
    try:
        await server.serve(bound)
    finally:
        for task in tasks:
            task.cancel()
        writer.stop()
        await advertiser.stop()
    await _ended(settings, writing, tasks)


def _hub(
    settings: Settings,
    loaded: Loaded,
    epoch: Epoch,
    ledger: Ledger,
    history: History,
    clock: Clock,
    callers: Callers,
    endpoint: Endpoint,
    discovery: Callable[[], Discovery],
    backups: Callable[[], BackupState],
    erasures: Erasures,
    tls_warnings: Callable[[int], list[str]],
) -> Hub:
    """The parts that answer requests, over what was loaded."""
    read_all()
    read_board()
    snapshots = Snapshots(epoch, loaded.floors)
    feed = Feed(loaded.floors, history, snapshots)
    writer = Writer(
        loaded.directory,
        loaded.floors,
        loaded.keys,
        ledger=ledger,
        publisher=feed,
        clock=clock,
        restaurants_max=settings.restaurants_max,
        contact_key=loaded.contact_key,
    )
    return Hub(
        version=version("restohub"),
        present=epoch,
        endpoint=endpoint,
        folder=settings.data,
        zone=machine_zone(),
        knows_zone=knows_zone,
        clock=clock,
        callers=callers,
        writer=writer,
        history=history,
        feed=feed,
        snapshots=snapshots,
        listings=Listings(),
        claims=Claims(epoch, writer, feed, clock),
        access=_access(settings, loaded, clock, callers),
        discovery=discovery,
        backups=backups,
        erasures=erasures,
        tls_warnings=tls_warnings,
        contact_key=loaded.contact_key,
    )


def _access(settings: Settings, loaded: Loaded, clock: Clock, callers: Callers) -> Access:
    """Who belongs to the hub. What was said by `restohub access` counts before the setting, which is for a new hub."""
    mode = loaded.mode or "open"
    if mode != settings.access and settings.access == "closed":
        log.warning("The hub is open, as `restohub access open` has left it; `restohub access close` closes it.")
    known = read_visitors(settings.data)
    remember_spoke(callers, known.spoke, clock.now())
    machine, visitors = renew_machine_token(settings.data), Visitors(known.visitors)
    staff = known_staff(loaded.persons, settings.data, clock.monotonic)
    staff.attempts.resume(read_attempts(settings.data), clock.now())
    return Access(mode, loaded.devices, machine, visitors, clock.monotonic, loaded.revoked, staff)


def _chores(hub: Hub, settings: Settings, served: ServedCertificate) -> tuple[Coroutine[None, None, None], ...]:
    """What the hub does by itself, for as long as it runs."""
    retention = Retention(hub.writer, hub.history, hub.clock, days=settings.log_days, revisions=settings.log_revisions)
    clock_watch = ClockWatch(hub, hub.feed.disconnect_all)
    visitors = keep_visitors(settings.data, hub.access.visitors, hub.callers, hub.clock.now)
    watched = hub.history.failed(), hub.feed.watch(), keep_seen_devices(hub), watch_certificate(hub, served)
    return close_days(hub), clock_watch.run(), retention.run(), visitors, *watched


def _beside(server: HubServer, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
    """A task that runs beside the server; its fault ends the hub."""

    def stop_on_fault(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            server.should_exit = True

    task = asyncio.create_task(work)
    task.add_done_callback(stop_on_fault)
    return task


def collect_garbage_rarely() -> None:
    """Leave out what is there from the start, and wait for many new objects.

    Python's own 700 goes through the ring and the floors all the time: measured, 15 % of what a change costs. With
    50,000 a change cost the same within the noise, and the hub stood still for 30 ms after 200 iPads had left.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE_MAX)
    gc.enable()


async def _ended(settings: Settings, writing: asyncio.Task[None], tasks: list[asyncio.Task[None]]) -> None:
    """Return when the writer has ended well; raise the fault of a task that did not."""
    await asyncio.wait([writing], timeout=DRAIN_WAIT_S)
    if not writing.done():
        end_now(f"The disk of {settings.data} does not answer, so the hub stopped without waiting for it.")
    ended = [task for task in (writing, *tasks) if task.done() and not task.cancelled()]
    for fault in (task.exception() for task in ended):
        if isinstance(fault, StorageFailedError):
            end_now(f"The disk of {settings.data} failed: {fault}. Check the disk, then start the hub again.")
    for task in ended:
        task.result()


def end_now(sentence: str) -> NoReturn:
    """End the process, with nothing more asked of a disk that cannot be trusted: not even to close the database."""
    log.critical("%s", sentence, extra=event("ended"))  # not to stderr itself, which may be stuck
    logging.shutdown()
    os._exit(1)


def backup_process(settings: Settings) -> BackupProcess:
    """What makes the backups of a hub with these settings: this program, by its command."""
    program = [sys.executable] if ONE_FILE else [sys.executable, "-m", "restohub"]
    chosen = {"BACKUP_TO": ",".join(settings.backup_to), "BACKUP_DAYS": str(settings.backup_days)}
    if settings.backup_key is not None:
        chosen["BACKUP_KEY"] = settings.backup_key
    # A one file that starts itself would else take the first one's unpacked files for its own.
    environment = {**os.environ, "PYINSTALLER_RESET_ENVIRONMENT": "1", BESIDE_HUB: "1"}
    environment |= {PREFIX + name: value for name, value in chosen.items()}
    return BackupProcess(settings.data, [*program, "backup", "--json", "--data", str(settings.data)], environment)


async def _backed_up(backups: Backups, data: Path) -> None:
    """Make a backup before a migration; raises FolderError where there can be none."""
    log.info("The data are of an older format: a backup is made before they are brought to the new one.")
    fault = await backups.make()
    if fault is not None:
        raise FolderError(
            f"The data in {data} are of an older format, and are brought to the new one only after a backup: {fault} "
            "Then start the hub again."
        )


async def _loaded(connection: Connection, ledger: Ledger) -> Loaded:
    """What the store holds; a new one is given its names and restaurant 1."""
    await initialise(connection, new_id(), new_epoch())
    loaded = await load(connection)
    if loaded.directory.revision > 0:
        return loaded
    now = Clock().commit_time()
    first = Restaurant(
        id="1",
        name=FIRST_RESTAURANT,
        timezone=machine_zone(),
        created_at=now,
        last_updated=now,
        version=1,
        created_revision=1,
    )
    made = Change("restaurant", first.id, "create", first)
    await ledger.append([Record(Entry(DIRECTORY_ID, 1, now, new_id(), False, (made,)))])
    return await load(connection)


async def _closed(ledger: Ledger, loaded: Loaded) -> Loaded:
    """The same, closed to strangers from now on, also where a later start does not say so."""
    try:
        await ledger.keep_access("closed")
    except (StorageFullError, StorageUnavailableError) as fault:
        log.warning("That the hub is closed could not be saved (%s): a start without --access closed is open.", fault)
    return structs.replace(loaded, mode="closed")


def listen(
    settings: Settings, install_id: str, certificate: Certificate | None
) -> tuple[Endpoint, list[socket.socket], socket.socket | None]:
    """Where a hub with these settings is, the socket of HTTP, and that of TLS where there is a certificate.

    Raises PortError.
    """
    plain = [bound_socket(settings.host, settings.port)] if settings.http else []
    secure = [bound_socket(settings.host, settings.tls_port, "--tls-port")] if certificate else []
    address, port = (*plain, *secure)[0].getsockname()[:2]
    place = Endpoint(install_id, settings.name, address, port, settings.interface, settings.advertise, new_id())
    if certificate is None:
        return place, plain, None
    shown = {"tls_port": secure[0].getsockname()[1], "fingerprint": certificate.fingerprint}
    return structs.replace(place, **shown), plain, secure[0]


async def _close_writing(connection: Connection, ledger: Ledger) -> None:
    """Bring the write-ahead log into the database file, where the disk still takes it, and close."""
    try:
        await ledger.upkeep()
    except (StorageFullError, StorageUnavailableError, StorageFailedError) as fault:
        log.warning("The last checkpoint failed (%s); the next start makes up for it.", fault)
    await connection.close()
