"""The banner: where a hub is, in a few lines and, on a terminal, a QR code."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from restohub.access.roles import Mode
from restohub.boot.install import InstallError, installed_program
from restohub.config import Settings
from restohub.live.hub_address import Endpoint
from restohub.net.urls import HubUrls, hub_urls
from restohub.text import printable

from .qr import qr_lines
from .terminal import print_text, wrapped

if TYPE_CHECKING:
    from restohub.net.running_hub import RunningHub

log = logging.getLogger("restohub")

REASON_COLUMNS = 78
ACCESS: dict[Mode, str] = {
    "open": "Every device on this network may use it. `restohub access close` changes that.",
    "closed": "Only paired devices may use it. `restohub pair` pairs one.",
}


def announce_ready(settings: Settings, endpoint: Endpoint, mode: Mode) -> None:
    """Say at the start where the hub is: to a person at a terminal, else to the log."""
    reached, folder = hub_urls(endpoint), settings.data.absolute()
    if settings.log_format == "text" and sys.stderr.isatty():
        with suppress(OSError):  # a terminal that was closed meanwhile stops nobody
            print_banner(endpoint.name, reached, folder, sys.stderr)
            print_text(f"{ACCESS[mode]}\nCtrl-C stops the hub.\n{_leave_on()}\n", to=sys.stderr)
        return
    for line in ready_lines(endpoint.name, reached, folder):
        log.info("%s", line)
    log.info("%s", ACCESS[mode])


def _leave_on() -> str:
    """How a hub that was started by hand is left on."""
    try:
        program = str(installed_program())
    except InstallError:
        program = "restohub"
    what = {"darwin": "service show --for macos", "win32": "service show --for windows"}.get(sys.platform)
    return f"To have it start with the machine: {f'{program} {what}' if what else f'sudo {program} service install'}"


def ready_lines(name: str, reached: HubUrls, folder: Path) -> list[str]:
    """One fact a line, for a pipe or a log."""
    first, *others = reached.urls or (reached.own_url,)
    said = [f"The hub '{printable(name, 200)}' is ready at {first}"]
    said += [f"It is also at {url}" for url in others]
    if reached.local_url:
        said.append(f"By name it is at {reached.local_url}")
    if reached.tls_urls:
        said += [f"Over TLS it is at {reached.tls_urls[0]}", f"The SHA-256 of its certificate is {reached.fingerprint}"]
    if reached.reason:
        said.append(reached.reason)
    return [*said, f"It keeps its data in {printable(str(folder), 4096)}"]


def as_json_object(hub: RunningHub, reached: HubUrls) -> dict[str, object]:
    """The same for machines."""
    return {
        "id": hub.endpoint.id,
        "name": hub.endpoint.name,
        "version": hub.health.version,
        "status": hub.health.status,
        "urls": list(reached.urls),
        "local_url": reached.local_url,
        "own_url": reached.own_url,
        "reason": reached.reason or None,
        "tls": _tls_json(reached),
        "data": str(hub.folder),
    }


def _tls_json(reached: HubUrls) -> dict[str, object] | None:
    """What a script is told of TLS, null where there is none."""
    if not reached.tls_port:
        return None
    return {"port": reached.tls_port, "fingerprint": reached.fingerprint, "urls": list(reached.tls_urls)}


def print_banner(name: str, reached: HubUrls, folder: Path, stream: TextIO) -> None:
    """The same for a person at a terminal."""
    first, *others = reached.urls or (reached.own_url,)
    rows = [("On an iPad, open" if reached.urls else "On this machine", first), *(("or", url) for url in others)]
    if reached.local_url:
        rows.append(("or, by its name", reached.local_url))
    if reached.tls_urls:
        rows.append(("over TLS", reached.tls_urls[0]))
        halves = reached.fingerprint[:32], reached.fingerprint[32:]  # on a terminal of 80 columns
        rows += [("its certificate", f"SHA-256 {halves[0]}"), ("", f"        {halves[1]}")]
    rows.append(("Its data are in", printable(str(folder), 4096)))
    said = [
        "",
        f"The hub '{printable(name, 200)}' is ready.",
        "",
        *(f"  {what:<18}{where}" for what, where in rows),
        "",
    ]
    if reached.reason:
        said += [wrapped(reached.reason, stream, REASON_COLUMNS), ""]
    code = qr_lines(reached.qr_url(), stream) if reached.urls else []
    if code:
        said += [*(f"  {line}" for line in code), "  Or point an iPad's camera at this code.", ""]
    print_text("\n".join(said), to=stream)
