"""The health page, for whoever opens `/health` in a browser."""

from __future__ import annotations

from html import escape

from restohub.text import duration
from restohub.wire.responses import Health

from .html_templates import filled, notes, state

ACCESS = {
    "open": "open: every device on this network may use the hub",
    "closed": "closed: only paired devices may use the hub",
}
# What a closed hub says to strangers in the place of what is only for its own devices.
UNTOLD = "told to paired devices only"


def health_page(found: Health, time: str, backup: str | None) -> bytes:
    """The page; `time` is the hub's and `backup` the last backup's, for people (None: for a stranger)."""
    untold = backup is None
    well = found.status == "healthy"
    title = "The hub is well" if well else "The hub is not well"
    reason = "Changes are saved and sent." if well else f"{str(found.reason)[:1].upper()}{str(found.reason)[1:]}."
    return filled(
        "health.html",
        title=title,
        state=state("well" if well else "ill", title, reason),
        notes=notes(found.database.warnings),
        time=escape(time),
        running=UNTOLD if untold else duration(found.uptime_seconds),
        connections=UNTOLD if untold else f"{found.connections:,}",
        restaurants=UNTOLD if untold else f"{found.restaurants:,}",
        backup=UNTOLD if backup is None else escape(backup),
        access=ACCESS[found.access],
        discovery=found.discovery.state,
        version=escape(found.version),
        id=escape(found.id),
    )
