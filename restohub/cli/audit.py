"""The command `restohub audit`: who did what."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from .access_commands import Data, fail, the_hub, told_by
from .options import AsJson


def audit(
    restaurant: Annotated[
        int, typer.Option(min=0, help="The restaurant's id; 0: the restaurants themselves, who made and removed one.")
    ] = 1,
    device: Annotated[str, typer.Option(help="Only what the device with this id did.")] = "",
    person: Annotated[str, typer.Option(help="Only what the person of the staff with this id did.")] = "",
    entity: Annotated[str, typer.Option(help="Only what was done to the guest or table with this id.")] = "",
    csv: Annotated[bool, typer.Option("--csv", help="Print all that is kept as a table for a spreadsheet.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Say who did what: the latest changes, each with the device that asked for it, and who of the staff it was.

    Of a guest it tells nothing but his id. The hub must run, and this must be its own user or root.
    """
    from restohub.text import printable

    from .terminal import print_text

    if csv and as_json:
        fail("Choose one of --csv and --json.")
    hub = the_hub(data)
    wanted = {"device_id": device, "person_id": person, "entity_id": entity}
    query = urlencode({"restaurant_id": restaurant} | {name: value for name, value in wanted.items() if value})
    if csv:
        _print_csv(_all(hub, query))
        return
    page = told_by(hub, "GET", f"/api/audit?{query}")
    if as_json:
        typer.echo(json.dumps(page, indent=2))
        return
    if not page["entries"]:
        print_text("Nothing of this is known." if any(wanted.values()) else "Nothing was done yet.")
    for one in page["entries"]:
        at = one["device"] or "somebody without a token"
        who = printable(f"{one['person']} at {at}" if one["person"] else at)
        print_text(f"{one['timestamp']}  {who}  {one['action']} {one['entity_type']} {printable(one['entity_id'])}")
    if page["has_more"]:
        print_text("There is more: `--csv` prints all that is kept.")


def _all(hub: Any, query: str) -> Iterator[list[dict[str, Any]]]:
    """Every entry that is kept, page by page, the latest first."""
    before = ""
    while True:
        page = told_by(hub, "GET", f"/api/audit?{query}&limit=1000{before}")
        yield page["entries"]
        if not page["has_more"]:
            return
        before = f"&before_revision={page['entries'][-1]['revision']}"


def _print_csv(pages: Iterator[list[dict[str, Any]]]) -> None:
    """Print a table, a page at a time."""
    from restohub.reports.spreadsheet import AUDIT_COLUMNS, MARK, rows_as_csv

    out = sys.stdout.buffer
    out.write((MARK + rows_as_csv([AUDIT_COLUMNS])).encode())
    for entries in pages:
        out.write(rows_as_csv([one[column] for column in AUDIT_COLUMNS] for one in entries).encode())
    out.flush()
