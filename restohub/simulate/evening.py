"""The script of an evening: from a seed, every request of the hosts, each at its minute."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import partial
from random import Random
from typing import Any

from .crowd import OPENS_HOUR, Party, crowd
from .floor_plan import FloorPlan, Place
from .script import Event, Operation, Script

PARTIES = 240
OFFLINE_MIN = (150.0, 185.0)
HOLD_BEFORE_MIN, CALL_AFTER_MIN, NO_SHOW_AFTER_MIN = 25.0, 15.0, 30.0
NOTES, MOVES, BLUNDERS, OFFLINE_WALK_INS, CHECKS_AT_TABLE = 0.4, 0.06, 0.08, 0.3, 0.5
CLEAN_MIN = (2.0, 6.0)
SWAPS_MIN = range(120, 300, 20)
NOTED = ("Birthday.", "Nut allergy.", "Window, please.", "High chair.", "In a hurry.", "Regulars.", "Vegan.")


def evening(seed: int, day: date, parties: int = PARTIES) -> list[Event]:
    """The whole evening of `day` (times are UTC), the same for the same seed; before it the restaurant is empty."""
    return _Evening(Random(seed), day, parties).play_out()


def clock(minute: float) -> str:
    """A minute of the evening as the clock on the wall has it."""
    return f"{OPENS_HOUR + int(minute) // 60:02}:{int(minute) % 60:02}"


class _Evening(Script):
    """The hosts' book: who waits in which order, who has which tables, what an iPad off-line has not sent yet."""

    def __init__(self, rng: Random, day: date, parties: int) -> None:
        super().__init__(rng)
        self.opens = datetime.combine(day, time(OPENS_HOUR))
        self.room = FloorPlan()
        self.waiting: list[Party] = []
        self.places: dict[str, tuple[Place, ...]] = {}
        self.seated: dict[str, Party] = {}
        self.unsent: list[dict[str, Any]] = []
        self.unsent_parties: list[Party] = []
        self.later(0, partial(self.open_doors, crowd(rng, parties)))

    @property
    def offline(self) -> bool:
        return OFFLINE_MIN[0] < self.now < OFFLINE_MIN[1]

    def ids(self, party: Party) -> list[str]:
        return [place.id for place in self.places.get(party.id, ())]

    def guest(self, party: Party, **fields: Any) -> dict[str, Any]:
        names = {"firstName": party.first, "lastName": party.last}
        return {"id": party.id, **names, "partySize": party.size, **fields}

    # Before the first guest.

    def open_doors(self, parties: list[Party]) -> None:
        made = [{"entity_type": "table", "action": "create", "data": place.made()} for place in self.room.places]
        ids = [place.id for place in self.room.places]
        self.ask("room set up", "POST", "/api/v1/atomic/batch", {"operations": made}, *ids)
        for party in parties:
            if party.booked:
                self.later(self.rng.uniform(1, 30), partial(self.book, party))
            else:
                self.later(party.comes_min, partial(self.walk_in, party))
        for minute in SWAPS_MIN:
            self.later(minute, self.swap)
        self.later(OFFLINE_MIN[1], self.send_queue)

    def book(self, party: Party) -> None:
        wanted = f"{self.opens + timedelta(minutes=party.at_min):%Y-%m-%dT%H:%M:%SZ}"
        phone = f"555-{self.rng.randrange(10_000):04}"
        body = self.guest(party, reservationTime=wanted, phone=phone)
        self.ask("booked", "POST", "/guests/", body, party.id, answer=201)
        self.later(party.at_min - HOLD_BEFORE_MIN, partial(self.hold, party))
        if not party.shows:
            self.later(party.at_min + NO_SHOW_AFTER_MIN, partial(self.end, party, "no_show"))
            return
        self.later(party.comes_min, partial(self.arrive, party))
        if party.late_min > CALL_AFTER_MIN:
            self.later(party.at_min, partial(self.call_late, party))

    def hold(self, party: Party) -> None:
        places = self.room.fitting(party.size)
        if len(places) == 1:
            self.take(party, places)
            self.ask("held", "PATCH", f"/guests/{party.id}", {"tableId": places[0].id}, party.id, places[0].id)
        elif places:
            self.take(party, places)
            self.push_together(party, {})

    def call_late(self, party: Party) -> None:
        self.ask("running late", "PATCH", f"/guests/{party.id}", {"status": "running_late"}, party.id)

    # At the door.

    def arrive(self, party: Party) -> None:
        """A party that booked is here."""
        if party.id in self.places:
            self.status("seated at its table", party.id, "seated", *self.ids(party))
            self.settle(party)
        else:
            self.ask("arrived", "PATCH", f"/guests/{party.id}", {"status": "arrived"}, party.id)
            self.wait(party, 0)

    def walk_in(self, party: Party) -> None:
        places = () if self.waiting else self.room.fitting(party.size)
        if self.offline and self.rng.random() < OFFLINE_WALK_INS:
            data = self.guest(party, notes="Came by the terrace.")
            self.unsent.append({"entity_type": "guest", "entity_id": party.id, "action": "create", "data": data})
            self.unsent_parties.append(party)
        elif len(places) == 1:
            self.take(party, places)
            body = self.guest(party, tableId=places[0].id)
            self.ask("walked in, seated", "POST", "/guests/", body, party.id, places[0].id, answer=201)
            self.settle(party)
        else:
            body = self.guest(party, quotedWait=5 * (1 + len(self.waiting)))
            self.ask("walked in", "POST", "/guests/", body, party.id, answer=201)
            self.wait(party, len(self.waiting))

    def wait(self, party: Party, turn: int) -> None:
        self.waiting.insert(turn, party)
        self.later(self.now + party.patience_min, partial(self.lose_patience, party))
        self.seat_waiting()

    def lose_patience(self, party: Party) -> None:
        if party in self.waiting:
            self.waiting.remove(party)
            self.ask("left the queue", "PUT", f"/guests/{party.id}/status/atomic?new_status=left", None, party.id)

    def seat_waiting(self) -> None:
        for party in list(self.waiting):
            places = self.room.fitting(party.size)
            if not places:
                continue
            self.waiting.remove(party)
            self.take(party, places)
            if len(places) == 2:
                self.push_together(party, {"status": "seated"})
            else:
                self.status("seated from the queue", party.id, "seated", places[0].id, tableId=places[0].id)
            self.settle(party)
            if self.waiting and self.rng.random() < BLUNDERS:  # another host promised the same table
                other, table = self.waiting[0].id, places[0].id
                self.status("table given away twice", other, "seated", table, tableId=table, answer=409)

    def send_queue(self) -> None:
        """An iPad is back on-line: it sends what it has, and as it missed the answer, sends it again."""
        updates = [{**update, "mutation_id": f"terrace-{number}"} for number, update in enumerate(self.unsent)]
        ids = [update["entity_id"] for update in updates]
        for what, commits in (("queue sent", len(updates)), ("queue sent again", 0)):
            self.ask(what, "POST", "/api/sync/batch", {"updates": updates}, *ids, commits=commits)
        for party in self.unsent_parties:
            self.wait(party, len(self.waiting))

    # At the table.

    def take(self, party: Party, places: tuple[Place, ...]) -> None:
        self.places[party.id] = places
        for place in places:
            place.free = False

    def push_together(self, party: Party, fields: dict[str, Any]) -> None:
        one, other = self.places[party.id]
        aside = {"status": "outOfService", "notes": f"Pushed to table {one.number}."}
        whole, taken = {"capacity": one.capacity + other.capacity}, {"tableId": one.id, **fields}
        operations: list[Operation] = [("table", other.id, aside), ("table", one.id, whole), ("guest", party.id, taken)]
        self.batch("tables pushed together", operations)

    def settle(self, party: Party) -> None:
        self.seated[party.id] = party
        self.later(self.now + party.stays_min, partial(self.end, party, "finished"))
        if self.rng.random() < NOTES:
            self.later(self.now + party.stays_min * 0.2, partial(self.note, party))
        if self.rng.random() < MOVES:
            self.later(self.now + party.stays_min * 0.3, partial(self.move, party))

    def note(self, party: Party) -> None:
        data = {"notes": f"{self.rng.choice(NOTED)} ({clock(self.now)})"}
        if self.offline:
            self.unsent.append({"entity_type": "guest", "entity_id": party.id, "action": "update", "data": data})
        else:
            self.ask("note", "PATCH", f"/guests/{party.id}", data, party.id)

    def move(self, party: Party) -> None:
        old, new = self.places[party.id], self.room.fitting(party.size)
        if len(old) == len(new) == 1:
            self.take(party, new)
            self.ask("moved", "PUT", f"/guests/{party.id}", {"tableId": new[0].id}, party.id, old[0].id, new[0].id)
            self.free(old[0])

    def swap(self) -> None:
        """Two parties change places, where two can."""
        alone = [party for party in self.seated.values() if len(self.places[party.id]) == 1]
        for one, other in zip(alone[::2], alone[1::2], strict=False):
            here, there = self.places[one.id], self.places[other.id]
            if max(one.size, other.size) <= min(here[0].capacity, there[0].capacity):
                self.places[one.id], self.places[other.id] = there, here
                away: Operation = ("guest", one.id, {"tableId": None})
                over, back = ({"tableId": place.id} for place in (here[0], there[0]))
                operations: list[Operation] = [away, ("guest", other.id, over), ("guest", one.id, back)]
                self.batch("two parties swapped", operations, here[0].id, there[0].id)
                return

    # And away.

    def end(self, party: Party, status: str) -> None:
        """The party is gone: it finished, or never came."""
        places = self.places.pop(party.id, ())
        seated = self.seated.pop(party.id, None) is not None
        ids = [place.id for place in places]
        if len(places) == 2:
            self.pull_apart(party, places, status)
        elif seated and self.rng.random() < CHECKS_AT_TABLE:
            self.ask("left a dirty table", "PUT", f"/tables/{ids[0]}", {"status": "dirty"}, party.id, *ids)
        else:
            self.status(status.replace("_", "-"), party.id, status, *ids)
            if seated:
                self.ask("dirty", "PATCH", f"/tables/{ids[0]}", {"status": "dirty"}, *ids)
        if seated:
            self.later(self.now + self.rng.uniform(*CLEAN_MIN), partial(self.clean, places[0]))
        elif places:
            self.free(places[0])
        for place in places[1:]:
            self.free(place)

    def pull_apart(self, party: Party, places: tuple[Place, ...], status: str) -> None:
        one, other = places
        alone = {"capacity": one.capacity, "status": "dirty" if status == "finished" else "available"}
        gone: Operation = ("guest", party.id, {"status": status})
        back = {"status": "available", "notes": None}
        self.batch("tables pulled apart", [gone, ("table", one.id, alone), ("table", other.id, back)])

    def clean(self, place: Place) -> None:
        self.ask("cleaned", "PATCH", f"/tables/{place.id}", {"status": "available"}, place.id)
        self.free(place)

    def free(self, place: Place) -> None:
        place.free = True
        self.seat_waiting()
