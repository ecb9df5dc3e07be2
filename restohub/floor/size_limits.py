"""The limits of a floor and of a hub: what exceeds one is refused, what comes near one is reported."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from restohub.limits import FLOOR_BYTES_MAX, GUESTS_MAX, HUB_BYTES_MAX, NEARLY_FULL, TABLES_MAX

from .model import Floor
from .outcomes import Refused, limit_reached

LEAVE = "Delete guests who are no longer needed; those who are done leave by themselves at 04:00."
SHORTEN = "Delete guests who are no longer needed, or shorten long notes."
FEWER = "Delete one that is no longer needed"
RAISE = f"{FEWER}, or raise `restaurants_max` in restohub.toml."
Growth = tuple[int, int, int]


class Size(Struct, frozen=True, gc=False):
    """How many guests and tables a floor has, and what it and all floors of the hub weigh, in bytes."""

    guests: int
    tables: int
    floor: int
    hub: int

    @classmethod
    def of(cls, floor: Floor, hub: int) -> Size:
        """The size of a floor, and of the hub that it is in."""
        return cls(len(floor.guests), len(floor.tables), floor.size, hub)

    def plus(self, grown: Growth) -> Size:
        """The size after so many guests, tables and bytes more."""
        guests, tables, size = grown
        return Size(self.guests + guests, self.tables + tables, self.floor + size, self.hub + size)


def limit_refusal(size: Size, grown: Growth) -> Refused | None:
    """Why what grows by so many guests, tables and bytes is refused. What makes nothing larger never is."""
    guests, tables, heavier = grown
    if guests > 0 and size.guests + guests > GUESTS_MAX:
        detail = f"This floor has {size.guests:,} of at most {GUESTS_MAX:,} guests. {LEAVE}"
        return limit_reached("guests", size.guests, GUESTS_MAX, detail)
    if tables > 0 and size.tables + tables > TABLES_MAX:
        detail = f"This floor has {size.tables:,} of at most {TABLES_MAX:,} tables. {FEWER}."
        return limit_reached("tables", size.tables, TABLES_MAX, detail)
    if heavier > 0 and size.floor + heavier > FLOOR_BYTES_MAX:
        detail = f"The texts of this floor take {_of(size.floor, FLOOR_BYTES_MAX)}. {SHORTEN}"
        return limit_reached("floor_bytes", size.floor, FLOOR_BYTES_MAX, detail)
    if heavier > 0 and size.hub + heavier > HUB_BYTES_MAX:
        detail = f"The texts of all restaurants of this hub take {_of(size.hub, HUB_BYTES_MAX)}. {SHORTEN}"
        return limit_reached("hub_bytes", size.hub, HUB_BYTES_MAX, detail)
    return None


def restaurant_limit_refusal(count: int, most: int) -> Refused | None:
    """Why no restaurant can be made where there are so many."""
    if count < most:
        return None
    detail = f"This hub has {count:,} of at most {most:,} restaurants. {FEWER}."
    return limit_reached("restaurants", count, most, detail, RAISE)


def nearly_full(floors: Iterable[Floor], hub_size: int, restaurants_max: int) -> list[str]:
    """What comes near to a limit, or is beyond it, in words for the owner."""
    told, restaurants = list[str](), 0
    for floor in floors:
        restaurants += 1
        of = f"Restaurant {floor.restaurant_id} has"
        if len(floor.guests) >= NEARLY_FULL * GUESTS_MAX:
            told.append(f"{of} {len(floor.guests):,} of at most {GUESTS_MAX:,} guests. {LEAVE}")
        if len(floor.tables) >= NEARLY_FULL * TABLES_MAX:
            told.append(f"{of} {len(floor.tables):,} of at most {TABLES_MAX:,} tables.")
        if floor.size >= NEARLY_FULL * FLOOR_BYTES_MAX:
            told.append(f"{of} texts of {_of(floor.size, FLOOR_BYTES_MAX)}. {SHORTEN}")
    if hub_size >= NEARLY_FULL * HUB_BYTES_MAX:
        told.append(f"The texts of all restaurants take {_of(hub_size, HUB_BYTES_MAX)}. {SHORTEN}")
    if restaurants >= NEARLY_FULL * restaurants_max:
        told.append(f"The hub has {restaurants:,} of at most {restaurants_max:,} restaurants. {RAISE}")
    return told


def _of(size: int, most: int) -> str:
    return f"{size / 1e6:.1f} of {most / 1e6:.0f} MB"
