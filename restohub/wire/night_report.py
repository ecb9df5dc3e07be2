"""The report of a night as it goes out: counts alone, no names of guests, no contacts."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from .entities import Time

Count = Annotated[int, Meta(ge=0)]
Minutes = Annotated[int | None, Meta(description="Minutes on average, null where there is no party.")]
Size = Annotated[str, Meta(description="How many people the parties are.", examples=["1-2", "3-4", "5-6", "7+"])]


class PartyCount(Struct, rename="camel"):
    """So many parties, and how many people they were."""

    parties: Count
    covers: Count


class WaitsBySize(Struct, rename="camel"):
    """How long parties of a size were told to wait, and did."""

    size: Size
    parties: Count
    quoted: Minutes
    actual: Minutes


class WaitsByHour(Struct, rename="camel"):
    """How long parties that came within an hour were told to wait, and did."""

    time: Time
    parties: Count
    quoted: Minutes
    actual: Minutes


class Waits(Struct, rename="camel"):
    """The waits of parties that were told one and were seated, from check-in to the table."""

    parties: Count
    quoted: Minutes
    actual: Minutes
    sooner: Annotated[int, Meta(ge=0, description="Seated more than 5 minutes before they were told.")]
    on_time: Annotated[int, Meta(ge=0, description="Seated within 5 minutes of what they were told.")]
    later: Annotated[int, Meta(ge=0, description="Seated more than 5 minutes after they were told.")]
    by_size: list[WaitsBySize]
    by_hour: list[WaitsByHour]


class TurnsBySize(Struct, rename="camel"):
    """How long finished parties of a size had their table."""

    size: Size
    parties: Count
    mean: Minutes
    median: Annotated[int | None, Meta(description="Minutes of the party in the middle.")]
    longest: Annotated[int | None, Meta(description="Minutes of the longest.")]


class Turns(Struct, rename="camel"):
    """How long finished parties had their table, from seating to the end."""

    parties: Count
    mean: Minutes
    by_size: list[TurnsBySize]


class QuarterHour(Struct, rename="camel"):
    """How many people of finished parties were seated within 15 minutes."""

    time: Time
    covers: Count


class TableUse(Struct, rename="camel"):
    """What finished parties sat at."""

    used: Annotated[int, Meta(ge=0, description="How many tables, each counted once.")]
    seatings: Annotated[int, Meta(ge=0, description="How many parties had a table.")]
    chairs: Annotated[int, Meta(ge=0, description="How many chairs those tables had, once for each party.")]
    covers: Annotated[int, Meta(ge=0, description="How many people sat on them.")]


class Group(Struct, rename="camel"):
    """The finished parties of one section, or of one server; null: of none."""

    name: str | None
    parties: Count
    covers: Count


class NightReport(Struct, kw_only=True, rename="camel"):
    """The report of one business day, of the parties that are done."""

    restaurant_id: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    restaurant: Annotated[str, Meta(description="Its name.")]
    date: Annotated[str, Meta(description="The date on which the day began.", examples=["2024-01-15"])]
    timezone: str
    start: Time
    end: Time
    finished: Annotated[PartyCount, Meta(description="Those who were served.")]
    walk_ins: Annotated[PartyCount, Meta(description="Of the finished, those without a reservation.")]
    reservations: Annotated[PartyCount, Meta(description="Of the finished, those with one.")]
    no_shows: PartyCount
    cancelled: PartyCount
    left: Annotated[PartyCount, Meta(description="Those who walked out before they were seated.")]
    waits: Waits
    turns: Turns
    quarter_hours: Annotated[list[QuarterHour], Meta(description="Every one of the day: 96, or 92 or 100.")]
    tables: TableUse
    sections: Annotated[list[Group], Meta(description="The largest first, 50 at most.")]
    servers: Annotated[list[Group], Meta(description="The largest first, 50 at most.")]
