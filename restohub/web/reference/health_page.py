"""This file is the health of the hub as a page, for whoever opens `/health` in a browser."""

from __future__ import annotations

from html import escape

from restohub.wire.answers import Health

from .markup import inline, page


def health_page(found: Health, time: str) -> bytes:
    """The page; `time` is the hub's, for people."""
    well = found.status == "healthy"
    title = "The hub is well" if well else "The hub is not well"
    reason = "Changes are saved and sent." if well else f"{str(found.reason)[:1].upper()}{str(found.reason)[1:]}."
    facts = [
        ("Time", time),
        ("Running for", span(found.uptime_seconds)),
        ("Devices connected", f"{found.connections:,}"),
        ("Restaurants", f"{found.restaurants:,}"),
        ("Found by iPads", found.discovery.state),
        ("Version", found.version),
        ("Id", found.id),
    ]
    rows = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>\n" for name, text in facts)
    told = state("well" if well else "ill", title, reason)
    return page(title, f"<h1>Health</h1>\n{told}{notes(found.database.warnings)}<dl>{rows}</dl>\n", here="/health")


def state(kind: str, title: str, text: str) -> str:
    """Well or not, as the first thing on a page."""
    return f'<div class="state {kind}" role="status"><p><strong>{title}</strong> {escape(text)}</p></div>\n'


def notes(warnings: list[str]) -> str:
    """What staff must know, each a paragraph."""
    return "".join(f'<p class="note" role="note">{inline(one)}</p>\n' for one in warnings)


def span(seconds: int) -> str:
    """So many seconds in the largest unit that they fill."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds} seconds" if seconds != 1 else "1 second"
