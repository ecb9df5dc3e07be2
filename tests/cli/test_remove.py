"""`restohub remove` over real hubs: what one address made goes, what others made stays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.attack.stranger import STRANGER, client
from tests.cli.pty_terminal import Terminal, printed
from tests.conftest import Hub, next_message

NewHub = Callable[..., Hub]
GUESTS, TABLES = "/restaurants/1/guests", "/restaurants/1/tables"


@pytest.fixture
def evening(new_hub: NewHub) -> Iterator[tuple[Hub, httpx.Client, httpx.Client]]:
    """A hub, a client of the house, and a stranger's."""
    hub = new_hub().start()
    with hub.client() as house, client(hub) as stranger:
        yield hub, house, stranger


def remove(hub: Hub, *args: str) -> tuple[int, str, str]:
    """The exit status, the output and the errors of `restohub remove`."""
    done = printed("remove", "--data", str(hub.data), *args)
    return done.returncode, done.stdout, done.stderr


def made(api: httpx.Client, path: str, **fields: Any) -> str:
    answer = api.post(path, json=fields)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def names(api: httpx.Client) -> set[str]:
    return {guest["name"] for guest in api.get(GUESTS).json()}


def test_what_an_address_made_goes_and_what_others_made_stays(
    evening: tuple[Hub, httpx.Client, httpx.Client],
) -> None:
    hub, house, stranger = evening
    made(house, GUESTS, name="Rossi", partySize=2)
    junk = [made(stranger, GUESTS, name=f"Junk {n}", partySize=2) for n in range(3)]
    made(stranger, TABLES, tableNumber="66", capacity=2)
    other = made(stranger, "/restaurants", name="Nowhere")
    made(stranger, f"/restaurants/{other}/guests", name="Junk 4", partySize=2)
    empty = made(stranger, "/restaurants", name="Empty")
    revision = int(house.get(GUESTS).headers["Restohub-Revision"])
    with hub.socket(f"/ws/restaurant/sync?restaurant_id=1&since_revision={revision}") as tablet:
        next_message(tablet)
        status, said, errors = remove(hub, "--from", STRANGER, "--since", "2h", "--yes")
        gone = [next_message(tablet)["changes"][0]["entity_id"] for _ in range(3)]
    assert (status, errors) == (0, "")
    assert "3 guests (Junk 0, Junk 1, Junk 2), 1 table (66)" in said
    assert f"in Nowhere (restaurant {other}): 1 guest (Junk 4), the restaurant itself" in said
    assert f"in Empty (restaurant {empty}): the restaurant itself" in said
    assert "Removed: 4 guests, 1 table, 2 restaurants." in said
    assert gone == junk
    assert (names(house), house.get(TABLES).json()) == ({"Rossi"}, [])
    assert house.get(f"/restaurants/{other}").status_code == 404


def test_a_time_is_so_long_ago_or_a_date_time(evening: tuple[Hub, httpx.Client, httpx.Client]) -> None:
    hub, house, _ = evening

    def now() -> datetime:
        return datetime.fromisoformat(house.get("/health").json()["timestamp"])

    for since, ago in (("2h", timedelta(hours=2)), ("30m", timedelta(minutes=30)), ("1d", timedelta(days=1))):
        before = now()
        found = json.loads(remove(hub, "--from", STRANGER, "--since", since, "--json")[1])["found"]
        assert before <= datetime.fromisoformat(found["since"]) + ago <= now()
    found = json.loads(remove(hub, "--from", STRANGER, "--since", "2024-01-15T10:30:00+02:00", "--json")[1])["found"]
    assert found["since"] == "2024-01-15T08:30:00Z"


def test_what_was_made_before_then_stays(evening: tuple[Hub, httpx.Client, httpx.Client]) -> None:
    hub, house, stranger = evening
    made(stranger, GUESTS, name="Early", partySize=2)
    status, said, _ = remove(hub, "--from", STRANGER, "--since", "2099-01-01T00:00:00Z", "--yes")
    assert (status, "Nothing that" in said, names(house)) == (0, True, {"Early"})


def test_a_table_with_a_party_of_others_is_kept_and_said_why(evening: tuple[Hub, httpx.Client, httpx.Client]) -> None:
    hub, house, stranger = evening
    table = made(stranger, TABLES, tableNumber="66", capacity=4)
    made(house, GUESTS, name="Rossi", partySize=2, tableId=table)
    status, said, _ = remove(hub, "--from", STRANGER, "--since", "1d", "--yes", "--json")
    told = json.loads(said)["removed"]
    assert (status, told["tables"], [one["entity_id"] for one in told["kept"]]) == (1, 0, [table])
    assert "Rossi" in told["kept"][0]["detail"]
    status, said, _ = remove(hub, "--from", STRANGER, "--since", "1d", "--yes")
    assert (status, said.splitlines()[-2]) == (1, "Removed: nothing.")
    assert said.splitlines()[-1] == f"Not removed: table 66 of restaurant 1. {told['kept'][0]['detail']}"


def test_nothing_goes_unless_a_person_agrees(evening: tuple[Hub, httpx.Client, httpx.Client]) -> None:
    hub, house, stranger = evening
    made(stranger, GUESTS, name="Junk", partySize=2)
    status, said, _ = remove(hub, "--from", STRANGER, "--since", "2h")
    assert (status, "with --yes" in said, names(house)) == (1, True, {"Junk"})
    command = ["remove", "--data", str(hub.data), "--from", STRANGER, "--since", "2h"]
    for answer, left in (("n", {"Junk"}), ("y", set[str]())):
        terminal = Terminal(*command)
        terminal.until(lambda said: "[y/N]" in said)
        terminal.type(answer + "\n")
        terminal.result()
        assert names(house) == left


def test_who_made_what_survives_a_restart_and_a_change_by_others(
    evening: tuple[Hub, httpx.Client, httpx.Client],
) -> None:
    hub, house, stranger = evening
    guest = made(stranger, GUESTS, name="Junk", partySize=2)
    house.patch(f"{GUESTS}/{guest}", json={"notes": "Who is this?"})
    hub.stop()
    hub.start()
    assert remove(hub, "--from", STRANGER, "--since", "2h", "--yes")[0] == 0


def test_a_time_that_is_none_is_refused_in_words(evening: tuple[Hub, httpx.Client, httpx.Client]) -> None:
    status, _, errors = remove(evening[0], "--from", STRANGER, "--since", "yesterday")
    assert (status, "--since must be such as 2h" in errors) == (1, True)


def test_without_a_hub_it_says_so(new_hub: NewHub) -> None:
    hub = new_hub().start()
    hub.stop()
    status, _, errors = remove(hub, "--from", STRANGER, "--since", "2h")
    assert (status, "No hub answers" in errors) == (1, True)


def test_a_proxy_on_the_machine_asks_for_others_and_is_told_nothing(
    evening: tuple[Hub, httpx.Client, httpx.Client],
) -> None:
    house = evening[1]
    query = {"from": STRANGER, "since": "2024-01-15T10:30:00Z"}
    assert house.get("/api/made", params=query).status_code == 200
    for name in ("X-Forwarded-For", "Forwarded", "Via"):
        answer = house.get("/api/made", params=query, headers={name: "192.168.1.66"})
        assert (answer.status_code, answer.json()["error_code"]) == (403, "not_permitted")


def test_what_is_no_address_is_refused(evening: tuple[Hub, httpx.Client, httpx.Client]) -> None:
    status, said, wrong = remove(evening[0], "--from", "nobody", "--since", "2h", "--yes")
    assert (status, said) == (1, "")
    assert "Name the address" in wrong
