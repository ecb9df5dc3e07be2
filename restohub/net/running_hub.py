"""The search for the hub that runs on this machine: its runfile is read, and the hub there is asked."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from restohub.boot.unit_files import LINUX_FOLDER, MAC_FOLDER, WINDOWS_FOLDER
from restohub.config import chosen_folder, default_folder
from restohub.live.hub_address import Endpoint

from .addresses import EVERYWHERE
from .health_probe import HubHealth, health_at
from .runfile import read_runfile
from .urls import LOOPBACK, endpoint_url, hub_urls, own_address, url

SERVICE_FOLDER = Path({"darwin": MAC_FOLDER, "win32": WINDOWS_FOLDER}.get(sys.platform, LINUX_FOLDER))


class NoRunningHubError(Exception):
    """No running hub was found; the text says so and what to do, for a person."""


class RunningHub(Struct, frozen=True):
    """A hub that runs: its data folder, where it listens, what it told of itself."""

    folder: Path
    endpoint: Endpoint
    health: HubHealth


def find_running(flag: Path | None, environment: Mapping[str, str]) -> RunningHub:
    """The hub that runs on the folder that is named, else on the usual one or the service's; raises AbsentError."""
    named = chosen_folder(flag, environment)
    folders = [named] if named else [default_folder(), SERVICE_FOLDER]
    closed: Path | None = None
    last: tuple[Path, Endpoint] | None = None
    for folder in folders:
        try:
            endpoint = read_runfile(folder)
        except PermissionError:
            closed = folder
            continue
        if endpoint is None:
            continue
        told = asyncio.run(health_at(own_address(endpoint), endpoint.port))
        if told and told.id == endpoint.id:
            return RunningHub(folder.absolute(), endpoint, told)
        last = last or (folder, endpoint)
    raise NoRunningHubError(_why_none(folders, closed, last))


def served_already(folder: Path) -> str:
    """What to say to who starts a second hub on a folder: first of all, where the first one is."""
    try:
        hub = find_running(folder, {})
    except NoRunningHubError:
        return (
            f"Another hub serves the data folder {folder} already, and does not answer. Stop it, then start it again."
        )
    reached = hub_urls(hub.endpoint)
    at = (*reached.urls, reached.own_url)[0]
    return (
        f"The hub runs already, at {at} (its data are in {folder}), so no second one was started. "
        "`restohub where` shows every address. To start it anew, stop that one first."
    )


def port_taken(host: str, port: int, folder: Path) -> str:
    """What to say where the port is another hub's, "" where it is not."""
    at = LOOPBACK if host in EVERYWHERE else host
    told = asyncio.run(health_at(at, port))
    if not told or not told.id:
        return ""
    return (
        f"Another program uses port {port} already: a restohub, at {url(at, port)} with other data than those in "
        f"{folder}. Use that one, or choose another port with --port."
    )


def _why_none(folders: list[Path], closed: Path | None, last: tuple[Path, Endpoint] | None) -> str:
    if closed:
        return f"Only the hub's own user and root may look into {closed}: {_as_root(closed)}"
    if last:
        folder, endpoint = last
        at = endpoint_url(endpoint, own_address(endpoint))
        return (
            f"No hub answers for the data in {folder}; the last one was at {at}. Start it with `restohub serve`; "
            "where it is a service of systemd, `systemctl status restohub` says how it is."
        )
    places = " or ".join(str(folder) for folder in folders)
    return (
        f"No hub runs on data in {places}. Start one with `restohub serve`, or name its folder with --data; "
        "`restohub find` looks for the hubs of the network."
    )


def _as_root(folder: Path) -> str:
    if sys.platform == "win32":
        return "ask again in a PowerShell that was started as administrator."
    program = Path(sys.argv[0])
    called = program.absolute() if program.name == "restohub" else "restohub"
    return f"say `sudo {called} where --data '{folder}'`."
