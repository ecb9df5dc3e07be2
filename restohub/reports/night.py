"""The counting of a night: visits go in one by one, the report comes out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from restohub.floor.leaving import time_of, visit_of
from restohub.floor.model import DONE, Floor, Restaurant
from restohub.floor.visits import Visit
from restohub.limits import REPORT_GROUPS_MAX
from restohub.wire.night_report import (
    Group,
    NightReport,
    PartyCount,
    QuarterHour,
    TableUse,
    Turns,
    TurnsBySize,
    Waits,
    WaitsByHour,
    WaitsBySize,
)
from restohub.wire.times import time_text

from .business_day import BusinessDay, in_zone

QUARTER_S = 15 * 60
# A party seated so much sooner or later than it was told was still told right.
ON_TIME_S = 5 * 60
SIZES = ("1-2", "3-4", "5-6", "7+")


class Night:
    """What is counted of one business day of a restaurant."""

    def __init__(self, restaurant: Restaurant, day: BusinessDay) -> None:
        self.counted = 0
        self._restaurant = restaurant
        self._day = day
        self._parties = {name: PartyCount(0, 0) for name in (*DONE, "walk_in", "booked")}
        self._waits_by_size: dict[str, list[tuple[int, int]]] = {size: [] for size in SIZES}
        self._waits_by_hour: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self._turns: dict[str, list[int]] = {size: [] for size in SIZES}
        self._quarters = [0] * ((day.end - day.start) // QUARTER_S)
        self._tables: set[str] = set()
        self._use = TableUse(0, 0, 0, 0)
        self._sections: dict[str | None, Group] = {}
        self._servers: dict[str | None, Group] = {}

    def add_floor(self, floor: Floor) -> None:
        """Count those who are done and have not left the floor yet, as the close of the day will leave them."""
        for guest in floor.guests.values():
            if guest.status in DONE and self._day.start <= time_of(guest) < self._day.end:
                self._add(visit_of(guest, floor.revision))

    def add_visits(self, visits: Iterable[Visit]) -> None:
        """Count these, all of the day."""
        for visit in visits:
            self._add(visit)

    def _add(self, visit: Visit) -> None:
        self.counted += 1
        self._count(visit.status, visit)
        if visit.check_in_time is not None and visit.quoted_wait is not None and visit.seated_time is not None:
            self._add_wait(visit.party_size, visit.quoted_wait * 60, visit.check_in_time, visit.seated_time)
        if visit.status != "finished":
            return
        self._count("walk_in" if visit.is_walk_in else "booked", visit)
        self._add_sitting(visit)
        self._add_table(visit)

    def _count(self, name: str, visit: Visit) -> None:
        count = self._parties[name]
        count.parties += 1
        count.covers += visit.party_size

    def _add_wait(self, size: int, quoted_s: int, came: int, seated: int) -> None:
        if seated < came:  # set by hand, and wrong
            return
        wait = quoted_s, seated - came
        self._waits_by_size[_class_of(size)].append(wait)
        if self._day.start <= came < self._day.end:
            here = in_zone(came, self._day.zone)
            self._waits_by_hour[came - here.minute * 60 - here.second].append(wait)

    def _add_sitting(self, visit: Visit) -> None:
        seated, ended = visit.seated_time, visit.ended
        if seated is None:
            return
        if ended is not None and ended >= seated:
            self._turns[_class_of(visit.party_size)].append(ended - seated)
        if self._day.start <= seated < self._day.end:
            self._quarters[min((seated - self._day.start) // QUARTER_S, len(self._quarters) - 1)] += visit.party_size

    def _add_table(self, visit: Visit) -> None:
        served = visit.served
        section, server = (None, None) if served is None else (served.section, served.server)
        for groups, name in ((self._sections, section), (self._servers, server)):
            group = groups.setdefault(name, Group(name, 0, 0))
            group.parties += 1
            group.covers += visit.party_size
        if served is not None:
            self._tables.add(served.table_number)
            self._use.seatings += 1
            self._use.chairs += served.capacity
            self._use.covers += visit.party_size

    def report(self) -> NightReport:
        """The report of what was counted."""
        counted = self._parties
        self._use.used = len(self._tables)
        return NightReport(
            restaurant_id=int(self._restaurant.id),
            restaurant=self._restaurant.name,
            date=self._day.date.isoformat(),
            timezone=self._restaurant.timezone,
            start=time_text(self._day.start),
            end=time_text(self._day.end),
            finished=counted["finished"],
            walk_ins=counted["walk_in"],
            reservations=counted["booked"],
            no_shows=counted["no_show"],
            cancelled=counted["cancelled"],
            left=counted["left"],
            waits=self._waits(),
            turns=_turns(self._turns),
            quarter_hours=[
                QuarterHour(time_text(self._day.start + number * QUARTER_S), covers)
                for number, covers in enumerate(self._quarters)
            ],
            tables=self._use,
            sections=_largest(self._sections),
            servers=_largest(self._servers),
        )

    def _waits(self) -> Waits:
        every = [wait for waits in self._waits_by_size.values() for wait in waits]
        late_s = [actual - quoted for quoted, actual in every]
        sooner, later = sum(one < -ON_TIME_S for one in late_s), sum(one > ON_TIME_S for one in late_s)
        return Waits(
            len(every),
            *_means(every),
            sooner,
            len(every) - sooner - later,
            later,
            [WaitsBySize(size, len(waits), *_means(waits)) for size, waits in self._waits_by_size.items()],
            [
                WaitsByHour(time_text(at), len(waits), *_means(waits))
                for at, waits in sorted(self._waits_by_hour.items())
            ],
        )


def _class_of(size: int) -> str:
    return SIZES[min((size - 1) // 2, len(SIZES) - 1)]


def _turns(by_size: dict[str, list[int]]) -> Turns:
    every = [turn for turns in by_size.values() for turn in turns]
    return Turns(len(every), _mean(every), [_of_size(size, sorted(turns)) for size, turns in by_size.items()])


def _of_size(size: str, turns: list[int]) -> TurnsBySize:
    middle, longest = (_minutes(turns[len(turns) // 2]), _minutes(turns[-1])) if turns else (None, None)
    return TurnsBySize(size, len(turns), _mean(turns), middle, longest)


def _means(waits: list[tuple[int, int]]) -> tuple[int | None, int | None]:
    return _mean([quoted for quoted, _ in waits]), _mean([actual for _, actual in waits])


def _mean(seconds: list[int]) -> int | None:
    return _minutes(sum(seconds) / len(seconds)) if seconds else None


def _minutes(seconds: float) -> int:
    return int(seconds / 60 + 0.5)


def _largest(groups: dict[str | None, Group]) -> list[Group]:
    """The groups by their covers; who typed them in may have made up any number of them."""
    found = sorted(groups.values(), key=lambda one: (-one.covers, -one.parties, one.name is None, one.name or ""))
    return found[:REPORT_GROUPS_MAX]
