"""The parties of an evening: when they come, how large they are and how long they stay, by published figures.

Where the figures are from:

- Sizes: the 176 dinner parties of P. G. Bryant and M. A. Smith, "Practical Data Analysis: Case Studies in Business
  Statistics" (Irwin, 1995), the data set known as "tips": 2 of one person, 104 of two, 33 of three, 32 of four, 4 of
  five, 1 of six.
- Hours: Toast, "Restaurant Trends Report", third quarter of 2023, as told in Retail Brew, 8 December 2023: 22% of
  reservations are for 5 p.m., 37% for 6 p.m., 26% for 7 p.m. The remaining 15% are put at 8 p.m. here.
- Stays: "Wait times at restaurants: can math please?", The Statesman (University of Minnesota Duluth), 2 March 2015: 23
  restaurants asked for a party of four at a weekend's dinner, 61 minutes on average, standard deviation 18. That larger
  parties stay longer: R. Sommer and J. Steele, "Social Effects on Duration in Restaurants", Appetite 29 (1997), 25-30.
  How much longer: 50, 65, 80, 95 minutes for 2, 4, 6, 8 people, restaurantbookingsystem.com, "Party size", so 7.5
  minutes a person.
- No-shows: 5.7% of those who book by phone: S. Jampol of OpenTable in Restaurant Hospitality, 21 March 2017.
- That parties leave the queue, and more of them the longer they wait: J. de Vries, D. Roy and R. de Koster, "Worth the
  wait?", Journal of Operations Management (2018). How patient ours are (15 minutes and an exponential rest), how many
  book (35%) and how late they come are assumptions, and so is that walk-ins keep the hours of the reservations.
"""

from __future__ import annotations

import math
from random import Random

from msgspec import Struct

SIZES = {1: 2, 2: 104, 3: 33, 4: 32, 5: 4, 6: 1}
HOURS = {17: 22, 18: 37, 19: 26, 20: 15}
OPENS_HOUR = 16
STAY_OF_FOUR_MIN, STAY_DEVIATION_MIN, STAY_PER_PERSON_MIN = 61.0, 18.0, 7.5
NO_SHOWS = 0.057
BOOKED = 0.35
PATIENCE_LEAST_MIN, PATIENCE_REST_MIN = 15.0, 30.0
COMPANY_SIZE = 8

FIRST = "Ada Bruno Carla Dario Elena Franco Giulia Hugo Irene Jonas Karla Luca Marta Nico Olga Paolo Rosa Sara Tom"
LAST = "Rossi Ferrari Müller Dubois García Novak Kowalski Jensen Silva Costa Weber Moreau Conti Sato Kim O'Neill Öz"


class Party(Struct, frozen=True):
    """A party as it will behave: `at_min` is when it wants its table, in minutes since the opening."""

    id: str
    first: str
    last: str
    size: int
    at_min: float
    booked: bool
    shows: bool
    late_min: float
    stays_min: float
    patience_min: float

    @property
    def comes_min(self) -> float:
        """When it stands at the door."""
        return self.at_min + self.late_min


def crowd(rng: Random, parties: int) -> list[Party]:
    """The parties of one evening, by the minute they want their table; two of them are a company's dinner."""
    wanted = sorted((_at_min(rng), _size(rng)) for _ in range(parties))
    for number in rng.sample(range(parties), 2):
        wanted[number] = (wanted[number][0], COMPANY_SIZE)
    return [_party(rng, f"g{number:03}", size, at_min) for number, (at_min, size) in enumerate(wanted, 1)]


def _at_min(rng: Random) -> float:
    (hour,) = rng.choices(list(HOURS), list(HOURS.values()))
    return (hour - OPENS_HOUR + rng.random()) * 60


def _size(rng: Random) -> int:
    return rng.choices(list(SIZES), list(SIZES.values()))[0]


def _party(rng: Random, party_id: str, size: int, at_min: float) -> Party:
    booked = size == COMPANY_SIZE or rng.random() < BOOKED
    return Party(
        id=party_id,
        first=rng.choice(FIRST.split()),
        last=rng.choice(LAST.split()),
        size=size,
        at_min=15 * round(at_min / 15) if booked else at_min,
        booked=booked,
        shows=not booked or rng.random() >= NO_SHOWS,
        late_min=rng.triangular(-10, 25, 2) if booked else 0.0,
        stays_min=_stay(rng, size),
        patience_min=PATIENCE_LEAST_MIN + rng.expovariate(1 / PATIENCE_REST_MIN),
    )


def _stay(rng: Random, size: int) -> float:
    """Log-normal: a stay is never negative, and a few are very long."""
    mean = STAY_OF_FOUR_MIN + STAY_PER_PERSON_MIN * (size - 4)
    spread = math.log(1 + (STAY_DEVIATION_MIN / STAY_OF_FOUR_MIN) ** 2)
    return rng.lognormvariate(math.log(mean) - spread / 2, math.sqrt(spread))
