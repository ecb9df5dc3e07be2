"""The table of hubs that `restohub find` prints, or a list where the terminal is too narrow."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from restohub.net.mdns_discover import HUBS_MAX, FoundHub, State
from restohub.net.urls import short_id
from restohub.text import printable, width

HEADS = ("Name", "Address", "By name", "Version", "Id", "Answers")
URL_COLUMNS, VERSION_COLUMNS, ID_COLUMNS = 70, 12, 12
ANSWERS: dict[State, str] = {
    "healthy": "yes",
    "unhealthy": "yes, but it is not well",
    "no answer": "no",
    "another hub": "no, another hub is there",
}
SILENT = (
    "A hub that does not answer is switched off, or a firewall on its machine closes its port. "
    "On that machine, `restohub where` says more."
)
SHARED = (
    "Two hubs have one id: one runs on a copy of the other's data, and iPads may take the two for one. "
    "Stop the one that is the copy, run `restohub identity new` on its machine, and start it again."
)


def hub_table(hubs: Sequence[FoundHub], columns: int) -> list[str]:
    """The lines of the table, at most so many columns wide if that can be."""
    rows = [_cells(hub) for hub in hubs]
    widths = [max(width(row[at]) for row in (HEADS, *rows)) for at in range(len(HEADS))]
    if sum(widths) + 2 * (len(HEADS) - 1) <= columns:
        said = ["  ".join(map(_padded, row, widths)).rstrip() for row in (HEADS, *rows)]
    else:
        said = [f"{head:<8}  {cell}" for row in rows for head, cell in (*zip(HEADS, row, strict=True), ("", ""))]
        said = [line.rstrip() for line in said[:-1]]
    if len(hubs) == HUBS_MAX:
        said += ["", f"There may be more: a search ends at {HUBS_MAX} hubs."]
    if any(hub.shares_id for hub in hubs):
        said += ["", *_filled(SHARED, columns)]
    if any(hub.state in ("no answer", "another hub") for hub in hubs):
        said += ["", *_filled(SILENT, columns)]
    return said


def _filled(sentence: str, columns: int) -> list[str]:
    return textwrap.wrap(sentence, columns - 1, break_long_words=False, break_on_hyphens=False)


def _cells(hub: FoundHub) -> tuple[str, ...]:
    return (
        printable(hub.name),
        printable(hub.urls[0] if hub.urls else "none", URL_COLUMNS),
        printable(hub.local_url, URL_COLUMNS),
        printable(hub.version, VERSION_COLUMNS),
        printable(short_id(hub.id), ID_COLUMNS),
        ANSWERS[hub.state] + (", with another's id" if hub.shares_id else ""),
    )


def _padded(cell: str, columns: int) -> str:
    return cell + " " * (columns - width(cell))
