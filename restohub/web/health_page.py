"""The health page, for whoever opens `/health` in a browser."""

from __future__ import annotations

from html import escape

from restohub.text import duration
from restohub.wire.responses import Health

from .html_templates import filled, notes, state


def health_page(found: Health, time: str, backup: str) -> bytes:
    """The page; `time` is the hub's and `backup` the last backup's, for people."""
    well = found.status == "healthy"
    title = "The hub is well" if well else "The hub is not well"
    reason = "Changes are saved and sent." if well else f"{str(found.reason)[:1].upper()}{str(found.reason)[1:]}."
    return filled(
        "health.html",
        title=title,
        state=state("well" if well else "ill", title, reason),
        notes=notes(found.database.warnings),
        time=escape(time),
        running=duration(found.uptime_seconds),
        connections=f"{found.connections:,}",
        restaurants=f"{found.restaurants:,}",
        backup=escape(backup),
        discovery=found.discovery.state,
        version=escape(found.version),
        id=escape(found.id),
    )
