"""A bistro in the middle of an evening as one batch: every state that the board has to draw.

`python tests/board/floor_samples.py http://127.0.0.1:8000` fills restaurant 1 of a running hub with it.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

Operation = dict[str, Any]

# number, seats, x, y (of a drawing 804 wide and 684 high), shape, rotation, section, server
TABLES: list[tuple[str, int, int, int, str, int, str, str]] = [
    ("1", 4, 80, 79, "booth", 0, "Window", "Ana"),
    ("2", 4, 80, 190, "booth", 0, "Window", "Ana"),
    ("3", 4, 80, 302, "booth", 0, "Window", "Ana"),
    ("4", 6, 80, 432, "booth", 0, "Window", "Ana"),
    ("5", 4, 80, 556, "booth", 0, "Window", "Ana"),
    ("10", 2, 220, 77, "round", 0, "Hall", "Ben"),
    ("11", 2, 326, 77, "round", 0, "Hall", "Ben"),
    ("12", 4, 434, 77, "square", 0, "Hall", "Ben"),
    ("13", 4, 228, 218, "round", 45, "Hall", "Ben"),
    ("14", 4, 338, 218, "round", 45, "Hall", "Ben"),
    ("15", 4, 442, 218, "square", 0, "Hall", "Ben"),
    ("16", 6, 232, 372, "round", 0, "Hall", "Ben"),
    ("17", 4, 344, 372, "round", 45, "Hall", "Ben"),
    ("18", 2, 442, 372, "square", 45, "Hall", "Ben"),
    ("19", 9, 331, 546, "rectangle", 0, "Hall", "Ben"),
    ("30", 2, 569, 77, "round", 0, "Bar", "Chiara"),
    ("31", 2, 651, 77, "round", 0, "Bar", "Chiara"),
    ("32", 2, 733, 77, "round", 0, "Bar", "Chiara"),
    ("33", 2, 569, 164, "round", 0, "Bar", "Chiara"),
    ("34", 2, 651, 164, "round", 0, "Bar", "Chiara"),
    ("40", 4, 591, 330, "oval", 0, "Garden", "Dan"),
    ("41", 4, 716, 330, "oval", 0, "Garden", "Dan"),
    ("42", 6, 600, 442, "oval", 0, "Garden", "Dan"),
    ("43", 4, 736, 442, "square", 0, "Garden", "Dan"),
    ("44", 8, 655, 552, "rectangle", 0, "Garden", "Dan"),
]

# name, size, table, minutes at the table, what else
SEATED: list[tuple[str, int, str | None, int, dict[str, Any]]] = [
    ("Moreau", 3, "1", 38, {}),
    ("Kowalski", 4, "2", 102, {}),
    ("Tanaka", 5, "4", 21, {"tags": ["birthday"]}),
    ("Silva", 2, "10", 64, {}),
    ("Novak", 4, "13", 84, {}),
    ("Nguyen", 4, "15", 12, {"dietaryRestrictions": ["nuts"]}),
    ("Castellanos", 6, "16", 47, {}),
    ("Byrne", 2, "17", 131, {}),
    ("Lindqvist", 2, "30", 9, {}),
    ("Marchetti", 2, "32", 0, {}),
    ("Osei", 3, "40", 33, {}),
    ("Bianchi", 1, None, 15, {}),
]

# name, size, minutes waited, minutes quoted, what else
WAITING: list[tuple[str, int, int, int | None, dict[str, Any]]] = [
    ("Okafor", 4, 17, 20, {"notes": "Red coat, by the bar", "tags": ["high chair"]}),
    ("Svensson", 2, 26, 20, {"notes": "Wants the garden"}),
    ("Ferrari", 5, 11, 15, {"status": "partially_arrived", "dietaryRestrictions": ["shellfish"]}),
    ("Papadopoulos", 2, 22, 25, {"status": "notified"}),
    ("O’Connell", 6, 14, 40, {"tags": ["birthday"]}),
    ("Haddad", 3, 6, 30, {"specialRequests": "Booth only"}),
    ("Weber", 2, 1, None, {}),
]

# name, size, minutes until the reservation, table held, what else
BOOKED: list[tuple[str, int, int, str | None, dict[str, Any]]] = [
    ("Lindgren", 6, -12, None, {}),
    ("Rossi", 4, 3, "12", {"tags": ["VIP"]}),
    ("Adeyemi", 9, 18, "19", {"tags": ["birthday"]}),
    ("Schwarzenberger-Hohenfels", 4, 33, None, {"dietaryRestrictions": ["coeliac"]}),
    ("Nakamura", 2, 48, None, {}),
    ("Delacroix", 4, 63, None, {"status": "running_late"}),
    ("Park", 2, 78, None, {}),
]


def _time(now: datetime, minutes: int) -> str:
    return (now + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _make(entity: str, entity_id: str, data: dict[str, Any]) -> Operation:
    return {"entity_type": entity, "action": "create", "entity_id": entity_id, "data": data}


def _table(number: str) -> str:
    return f"table-{number}"


def _tables() -> list[Operation]:
    made = []
    for number, seats, x, y, shape, rotation, section, server in TABLES:
        place = {"x": round(x / 804, 4), "y": round(y / 684, 4)}
        data = {"tableNumber": number, "capacity": seats, "position": place, "shape": shape}
        made.append(_make("table", _table(number), data | {"rotation": rotation, "section": section, "server": server}))
    return made


def _guest(name: str, size: int, data: dict[str, Any]) -> Operation:
    short = name.partition("-")[0].replace("’", "").lower()
    return _make("guest", f"guest-{short}", {"name": name, "partySize": size} | data)


def bistro(now: datetime) -> list[Operation]:
    """The operations of the sample: 25 tables in four sections, and the parties of a busy quarter to eight."""
    parties = []
    for name, size, table, minutes, more in SEATED:
        at = _time(now, -minutes)
        place = {"tableId": _table(table)} if table else {}
        parties.append(_guest(name, size, {"status": "seated", "seatedTime": at, "checkInTime": at} | place | more))
    for name, size, minutes, quote, more in WAITING:
        parties.append(_guest(name, size, {"checkInTime": _time(now, -minutes), "quotedWait": quote} | more))
    for name, size, minutes, table, more in BOOKED:
        place = {"tableId": _table(table)} if table else {}
        parties.append(_guest(name, size, {"reservationTime": _time(now, minutes)} | place | more))
    states = [("5", "dirty"), ("33", "dirty"), ("18", "outOfService")]
    changes = [
        {"entity_type": "table", "action": "update", "entity_id": _table(number), "data": {"status": status}}
        for number, status in states
    ]
    return _tables() + changes + parties


def pushed_together(one: str, other: str, seats: int) -> list[Operation]:
    """Two tables as one, by the convention that the simulated evening uses as well."""
    aside = {"status": "outOfService", "notes": f"Pushed to table {one}."}
    return [
        {"entity_type": "table", "action": "update", "entity_id": _table(other), "data": aside},
        {"entity_type": "table", "action": "update", "entity_id": _table(one), "data": {"capacity": seats}},
    ]


def fill(url: str, operations: list[Operation], restaurant: int = 1) -> None:
    """Send the operations to a hub as one batch."""
    body = json.dumps({"restaurant_id": restaurant, "operations": operations}).encode()
    request = urllib.request.Request(
        f"{url}/api/v1/atomic/batch", data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        answer.read()


if __name__ == "__main__":
    fill(sys.argv[1], bistro(datetime.now(UTC)) + pushed_together("43", "41", 8))
