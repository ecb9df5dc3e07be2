"""The command `restohub report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson
from .terminal import exit_with_error, print_text

if TYPE_CHECKING:
    from restohub.wire.night_report import NightReport

LATEST = "latest"


def report(
    date: Annotated[
        str, typer.Option(help="The day, such as 2026-11-27, by the date on which it began; `latest`: the newest one.")
    ] = LATEST,
    restaurant: Annotated[int, typer.Option(min=1, help="The restaurant's id.")] = 1,
    data: Annotated[
        Path | None,
        typer.Option(readable=False, help="The hub's data folder. [default: as `serve` finds it, else the service's]"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the report of a night: covers, waits, turns, tables, sections and servers.

    A hub that runs is asked; else the data folder is read, and nothing in it is changed. The page of the same report is
    at `/restaurants/1/reports/latest` of the hub.
    """
    import msgspec

    from restohub.net.running_hub import NoRunningHubError

    from .report_text import print_report

    try:
        found = _asked(data, restaurant, date)
    except NoRunningHubError:
        found = _read(data, restaurant, date)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        print_text(print_report(found))


def _asked(data: Path | None, restaurant: int, date: str) -> NightReport:
    """The report of a hub that runs; raises NoRunningHubError."""
    from urllib.parse import quote

    import msgspec

    from restohub.wire.night_report import NightReport

    from .hub_client import HubError, running_hub

    _, hub = running_hub(data)
    try:
        status, told = hub.ask("GET", f"/restaurants/{restaurant}/reports/{quote(date, safe='')}")
    except HubError as error:
        exit_with_error(str(error))
    if status != 200:
        exit_with_error(told.get("hint") or told.get("detail", ""))
    return msgspec.convert(told, NightReport)


def _read(data: Path | None, restaurant_id: int, wanted: str) -> NightReport:
    """The report of a folder that no hub serves."""
    import asyncio

    from restohub.live.clock import Clock
    from restohub.live.ports import StorageFailedError
    from restohub.reports.business_day import business_day, read_date
    from restohub.reports.making import latest_day, report_night
    from restohub.store.codec import DamageError
    from restohub.store.data_folder import FolderError
    from restohub.store.errors import DatabaseError, UnseenError
    from restohub.store.folder_reading import reading

    from .backup_options import chosen_data

    date = read_date(wanted)
    if date is None and wanted != LATEST:
        exit_with_error(f"--date must be a date such as 2026-11-27, or `latest`, not {wanted!r}.")

    async def made() -> NightReport | None:
        async with reading(chosen_data(data)) as (loaded, history):
            restaurant = loaded.directory.restaurants.get(restaurant_id)
            if restaurant is None:
                return None
            floor = loaded.floors[restaurant_id]
            day = (
                await latest_day(history, floor, restaurant, Clock().now())
                if date is None
                else business_day(date, restaurant.timezone)
            )
            return (await report_night(history, floor, restaurant, day))[0]

    try:
        found = asyncio.run(made())
    except (FolderError, UnseenError, DamageError, StorageFailedError, DatabaseError) as error:
        exit_with_error(str(error))
    if found is None:
        exit_with_error(f"There is no restaurant {restaurant_id} in these data.")
    return found
