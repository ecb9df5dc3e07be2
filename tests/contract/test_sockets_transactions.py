"""The contract of commits that are told whole: the transaction on both sockets, and its echoes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.conftest import Hub, next_message
from tests.contract.requests import commit_batch, full_sync, new_guest, new_table, op
from tests.contract.sockets import (
    REALTIME,
    Entity,
    assert_quiet,
    assert_told_whole,
    both_sockets,
    change,
    listen,
    named_message,
)


def test_status_atomic_that_seats_is_one_transaction_and_its_echoes(
    hub: Hub, api: httpx.Client, restaurant: int
) -> None:
    guest_id, table_id = new_guest(api, restaurant)["id"], new_table(api, restaurant)["id"]
    with both_sockets(hub, restaurant) as (realtime, sync):
        answer = api.put(
            f"/restaurants/{restaurant}/guests/{guest_id}/status/atomic",
            json={"status": "seated", "tableId": table_id},
        )
        body = answer.json()
        said = [change("guest", "update", guest_id, body["guest"]), change("table", "update", table_id, body["table"])]
        assert body["transaction_id"] == answer.headers["Restohub-Transaction"]
        assert_told_whole(realtime, sync, restaurant, answer, said)
        assert_quiet(api, restaurant, realtime, sync)


def test_status_atomic_that_touches_one_guest_is_a_transaction_too(
    hub: Hub, api: httpx.Client, restaurant: int
) -> None:
    guest_id = new_guest(api, restaurant)["id"]
    with both_sockets(hub, restaurant) as (realtime, sync):
        answer = api.put(f"/restaurants/{restaurant}/guests/{guest_id}/status/atomic", json={"status": "notified"})
        said = [change("guest", "update", guest_id, answer.json()["guest"])]
        assert_told_whole(realtime, sync, restaurant, answer, said)
        assert_quiet(api, restaurant, realtime, sync)


def test_a_batch_of_one_operation_is_a_transaction_too(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    with both_sockets(hub, restaurant) as (realtime, sync):
        answer = commit_batch(api, restaurant, [op("guest", "create", "g1", name="Rossi", partySize=2)])
        assert_told_whole(realtime, sync, restaurant, answer, answer.json()["changes"])
        assert_quiet(api, restaurant, realtime, sync)


def test_a_batch_is_one_message_under_the_id_that_was_given(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="stays")
    new_guest(api, restaurant, id="goes")
    new_table(api, restaurant, "1", id="old")
    with both_sockets(hub, restaurant) as (realtime, sync):
        operations = [
            op("table", "delete", "old"),
            op("table", "create", "new", tableNumber="2", capacity=4),
            op("guest", "update", "stays", tableId="new"),
            op("guest", "delete", "goes"),
            op("guest", "create", "comes", name="Verdi", partySize=3),
        ]
        answer = commit_batch(api, restaurant, operations, transaction_id="evening-1")
        assert answer.headers["Restohub-Transaction"] == "evening-1"
        said: list[Entity] = answer.json()["changes"]
        told = {(one["entity_type"], one["action"], one["entity_id"], one["data"] is None) for one in said}
        assert told == {
            ("guest", "update", "stays", False),
            ("guest", "delete", "goes", True),
            ("guest", "create", "comes", False),
            ("table", "delete", "old", True),
            ("table", "create", "new", False),
        }
        assert [one["entity_type"] for one in said] == ["guest"] * 3 + ["table"] * 2
        assert_told_whole(realtime, sync, restaurant, answer, said)
        assert_quiet(api, restaurant, realtime, sync)


def test_a_batch_tells_each_entity_once_by_its_net_effect(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="same", notes="window")
    with both_sockets(hub, restaurant) as (realtime, sync):
        operations = [
            op("guest", "create", "made", name="Verdi", partySize=3),
            op("guest", "update", "made", notes="terrace"),
            op("guest", "create", "brief", name="Neri", partySize=3),
            op("guest", "delete", "brief"),
            op("guest", "update", "same", notes="door"),
            op("guest", "update", "same", notes="window"),
        ]
        answer = commit_batch(api, restaurant, operations)
        said: list[Entity] = answer.json()["changes"]
        told = {one["entity_id"]: (one["action"], one["data"] and one["data"]["notes"]) for one in said}
        assert told == {"made": ("create", "terrace"), "brief": ("delete", None)}
        assert_told_whole(realtime, sync, restaurant, answer, said)


def two_entities(api: httpx.Client, restaurant: int, what: str) -> tuple[httpx.Response, list[Entity]]:
    """Do a plain change that touches a guest and a table; its answer, and the two changes it makes."""
    guests, tables = f"/restaurants/{restaurant}/guests", f"/restaurants/{restaurant}/tables"
    waiting = {"name": "Verdi", "partySize": 2}
    answer = {
        "a guest is given a table": lambda: api.patch(f"{guests}/waits", json={"tableId": "free"}),
        "a table is given a guest": lambda: api.put(f"{tables}/free", json={"currentGuestId": "waits"}),
        "a guest is created at a table": lambda: api.post(f"{guests}/", json={**waiting, "id": "n", "tableId": "free"}),
        "a guest leaves his table": lambda: api.patch(f"{guests}/sits", json={"status": "finished"}),
        "a table is cleared": lambda: api.patch(f"{tables}/taken", json={"status": "dirty"}),
        "a seated guest is deleted": lambda: api.delete(f"{guests}/sits"),
    }[what]()
    assert answer.is_success, answer.text
    now = {entity["id"]: entity for entities in ("guests", "tables") for entity in full_sync(api, restaurant)[entities]}
    touched = {"g": ("waits", "free"), "n": ("n", "free"), "s": ("sits", "taken")}
    guest_id, table_id = touched["n" if "created" in what else "g" if "given" in what else "s"]
    action = "create" if guest_id == "n" else "update" if guest_id in now else "delete"
    return answer, [
        change("guest", action, guest_id, now.get(guest_id)),
        change("table", "update", table_id, now[table_id]),
    ]


@pytest.mark.parametrize(
    "what",
    [
        "a guest is given a table",
        "a table is given a guest",
        "a guest is created at a table",
        "a guest leaves his table",
        "a table is cleared",
        "a seated guest is deleted",
    ],
)
def test_a_plain_change_that_touches_two_entities_is_a_transaction(
    hub: Hub, api: httpx.Client, restaurant: int, what: str
) -> None:
    new_table(api, restaurant, "1", id="free")
    new_table(api, restaurant, "2", id="taken")
    new_guest(api, restaurant, id="waits")
    new_guest(api, restaurant, id="sits", tableId="taken")
    with both_sockets(hub, restaurant) as (realtime, sync):
        answer, said = two_entities(api, restaurant, what)
        assert_told_whole(realtime, sync, restaurant, answer, said)
        assert_quiet(api, restaurant, realtime, sync)


def test_a_guest_who_moves_touches_both_tables_in_one_transaction(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, "1", id="t1")
    new_table(api, restaurant, "2", id="t2")
    new_guest(api, restaurant, id="g1", tableId="t1")
    with both_sockets(hub, restaurant) as (realtime, sync):
        api.patch(f"/restaurants/{restaurant}/guests/g1", json={"tableId": "t2"})
        whole = next_message(sync)
        assert next_message(realtime) == whole
        told = {one["entity_id"]: one["data"] for one in whole["changes"]}
        assert told.keys() == {"g1", "t1", "t2"}
        assert (told["t1"]["currentGuestId"], told["t2"]["currentGuestId"]) == (None, "g1")
        assert [next_message(realtime) for _ in range(3)] == [
            named_message(one, whole, True) for one in whole["changes"]
        ]


def test_the_echoes_follow_their_transaction_with_nothing_between(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    def seat(number: int) -> None:
        table = new_table(api, restaurant, str(number))
        new_guest(api, restaurant, tableId=table["id"])

    with listen(hub, REALTIME, restaurant) as sock:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(seat, range(20)))
        for revision in range(1, 41):
            message = next_message(sock)
            assert message["revision"] == revision
            for one in message.get("changes", []):
                assert next_message(sock) == named_message(one, message, echo=True)
        assert_quiet(api, restaurant, sock)
