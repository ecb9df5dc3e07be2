"""The route of reports: one business day as JSON, as a table for a spreadsheet, as a page."""

from __future__ import annotations

from restohub.floor.outcomes import Fault, quoted
from restohub.limits import VISITS_A_UNIT
from restohub.reports.business_day import BusinessDay, business_day, read_date
from restohub.reports.making import latest_day, report_night
from restohub.reports.spreadsheet import report_csv
from restohub.wire.inputs import refuse
from restohub.wire.responses import Answer, json_answer, revision_headers

from .problem_pages import HTML, wants_page
from .report_page import report_page
from .request import Request, floor_of, path_restaurant
from .restaurants import restaurant_of

LATEST = "latest"
CSV = ".csv"
CSV_TYPE = (b"content-type", b"text/csv; charset=utf-8")


async def night_report(request: Request) -> Answer:
    """The report of one business day, by its date or the latest."""
    hub, restaurant_id = request.hub, path_restaurant(request)
    restaurant, floor = restaurant_of(hub, restaurant_id), floor_of(hub, restaurant_id)
    asked = str(request.path_params["date"])
    wanted = asked.removesuffix(CSV)
    if wanted == LATEST:
        day = await latest_day(hub.history, floor, restaurant, hub.clock.now())
    else:
        day = _day(wanted, restaurant.timezone)
    report, counted = await report_night(hub.history, floor, restaurant, day)
    request.caller.spend(counted // VISITS_A_UNIT)
    headers = revision_headers(floor.revision, hub.epoch)
    if asked.endswith(CSV):
        name = f'attachment; filename="report-{restaurant_id}-{report.date}.csv"'.encode()
        return Answer(200, [CSV_TYPE, (b"content-disposition", name), *headers], report_csv(report))
    if wants_page(request.scope):
        return Answer(200, [HTML, *headers], report_page(report, restaurant, day))
    return json_answer(report, headers=headers)


def _day(wanted: str, timezone: str) -> BusinessDay:
    date = read_date(wanted)
    if date is None:
        hint = f"The date of a report is one such as 2024-01-15, or `latest`, not {quoted(wanted)}."
        refuse([Fault("/date", hint, "There is no such date.", "date")])
    assert date is not None, "it was refused"
    return business_day(date, timezone)
