"""The route that only tables have: the list."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from restohub.floor.model import Floor, Table
from restohub.floor.outcomes import quoted
from restohub.floor.text_folding import fold_label
from restohub.live.list_index import Place
from restohub.wire.field_names import TABLE_STATUS_WORDS, word_of
from restohub.wire.problems import bad_query
from restohub.wire.responses import Sent

from . import guests_and_tables
from .request import Query, Request


async def list_tables(request: Request) -> Sent:
    """The tables of a restaurant."""
    query = Query(request)
    query.allow_only("status", "section", "limit", "cursor")
    statuses = {_status(text) for text in query.values("status")}
    section = query.value("section")
    wanted: list[Callable[[Table], bool]] = []
    if statuses:
        wanted.append(lambda table: table.status in statuses)
    if section is not None:
        label = fold_label(section)
        wanted.append(lambda table: table.section is not None and fold_label(table.section) == label)

    async def find(floor: Floor, after: Place | None) -> Iterator[Table]:
        return request.hub.listings.tables(floor).after(floor.tables, after)

    return await guests_and_tables.list_page(request, query, find, wanted)


def _status(text: str) -> str:
    status = word_of(text, TABLE_STATUS_WORDS)
    if status is None:
        known = ", ".join(dict.fromkeys(TABLE_STATUS_WORDS.values()))
        raise bad_query("status", f"{quoted(text)} is not a table status. Known: {known}.")
    return status
