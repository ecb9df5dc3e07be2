"""The contract of the AsyncAPI document: what was recorded on both sockets is what it says."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import httpx
import jsonschema_rs
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.conftest import Hub, next_message
from tests.contract.answers import Json, ok
from tests.contract.requests import commit_batch, new_guest, new_table, op, write_notes
from tests.contract.sockets import REALTIME, SYNC, Message, on_both_sockets, until_closed
from tests.contract.test_openapi import resolved, walk

CHANNELS = {REALTIME: "realtime", SYNC: "restaurantSync"}
NAMED = {f"{kind}_{done}" for kind in ("guest", "table") for done in ("created", "updated", "deleted")}
BOTH = {"connection_established", "full_sync", "delta_update", "atomic_transaction_complete", "restaurant_updated"}
BOTH |= {"ping", "pong", "error"}
REALTIME_ALONE = {*NAMED, "restaurant_deleted"}
CLIENT = {"auth", "ping", "pong", "request_full_sync", "request_delta"}
REQUESTS: tuple[Json, ...] = (
    {"type": "ping"},
    {"type": "pong"},
    {"type": "request_full_sync"},
    {"type": "request_delta", "since_revision": 1},
    {"type": "request_delta", "since_revision": 10**9},
    {"type": "subscribe"},
)
CLOSES = {1001, 1008, 1009, 1011, 1013, 4400, 4401, 4404, 4408}


@pytest.fixture
def document(api: httpx.Client) -> Json:
    """The AsyncAPI document."""
    return ok(api.get("/schema/asyncapi.json"))


def said_on(document: Json, path: str, action: str) -> dict[str, Json]:
    """The messages of one direction of a socket, by their `type`."""
    channel = f"#/channels/{CHANNELS[path]}"
    (one,) = [
        one for one in document["operations"].values() if (one["action"], one["channel"]["$ref"]) == (action, channel)
    ]
    messages = [resolved(document, message) for message in one["messages"]]
    return {message["name"]: message for message in messages}


def hold(document: Json, path: str, frame: Message) -> None:
    """Fail unless a recorded message is one of the socket's, and as its schema says."""
    spoken = said_on(document, path, "send")
    assert frame["type"] in spoken, f"{frame['type']} is not among the messages of {path}"
    schema = {"allOf": [spoken[frame["type"]]["payload"]], "components": document["components"]}
    faults = jsonschema_rs.Draft7Validator(schema).iter_errors(frame)
    assert [f"{fault.message} at {fault.instance_path}" for fault in faults] == [], frame


def recorded(sock: ClientConnection, awaited: set[str]) -> Iterator[Message]:
    """Every message that comes, until each of these kinds has, whole, or the hub closes the socket."""
    with contextlib.suppress(ConnectionClosed):
        while awaited:
            yield (message := next_message(sock))
            if message.get("part") == message.get("parts"):
                awaited = awaited - {message["type"]}


def evening(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    """Changes of each kind: plain and atomic ones, of guests and tables, made, changed and deleted."""
    root = f"/restaurants/{restaurant}"
    table = new_table(api, restaurant, "12", section="Window")
    guest = new_guest(api, restaurant, phone="+39 06 1234", reservationTime="2030-01-15T19:30:00+01:00")
    waiting = new_guest(api, restaurant)
    for method, path, body in (
        ("PATCH", f"/guests/{waiting['id']}", {"quotedWait": 10}),
        ("DELETE", f"/guests/{waiting['id']}", None),
        ("PATCH", f"/tables/{table['id']}", {"rotation": 12.5}),
        ("PUT", f"/guests/{guest['id']}/status/atomic", {"status": "seated", "tableId": table["id"]}),
        ("PATCH", f"/tables/{table['id']}", {"status": "dirty"}),
        ("DELETE", f"/tables/{table['id']}", None),
    ):
        assert api.request(method, root + path, json=body).is_success, path
    commit_batch(api, restaurant, [op("table", "create", "t9", tableNumber="9", capacity=2)])
    write_notes(api, restaurant, "create", "é")  # in several parts
    assert api.patch(root, json={"name": "Osteria"}).is_success


def test_the_document_is_asyncapi_3(document: Json) -> None:
    assert document["asyncapi"].startswith("3.")
    assert {one["address"] for one in document["channels"].values()} == {REALTIME, SYNC}
    assert document["servers"]["hub"]["protocol"] == "ws"


@on_both_sockets
def test_each_socket_has_its_messages_in_both_directions(document: Json, path: str) -> None:
    assert said_on(document, path, "send").keys() == (BOTH | REALTIME_ALONE if path == REALTIME else BOTH)
    assert said_on(document, path, "receive").keys() == CLIENT
    channel = document["channels"][CHANNELS[path]]
    both_ways = {*said_on(document, path, "send"), *(f"client_{name}" for name in CLIENT)}
    assert channel["messages"].keys() == both_ways


def test_every_schema_is_valid_and_every_reference_leads_somewhere(document: Json) -> None:
    for node in walk(document):
        if isinstance(node.get("$ref"), str):
            assert resolved(document, node)
    for name, schema in document["components"]["schemas"].items():
        jsonschema_rs.meta.validate({"$schema": "http://json-schema.org/draft-07/schema#", **schema})
        assert all(node.get("type") != "null" for node in walk(schema)), name


@on_both_sockets
def test_what_a_socket_says_is_as_the_document_says(
    hub: Hub, api: httpx.Client, restaurant: int, document: Json, path: str
) -> None:
    frames: list[Message] = []
    with hub.socket(f"{path}?restaurant_id={restaurant}") as sock:
        frames += recorded(sock, {"connection_established"})
        evening(hub, api, restaurant)
        for request in REQUESTS:
            sock.send(json.dumps(request))
        frames += recorded(sock, (BOTH | NAMED if path == REALTIME else BOTH) - {"connection_established", "ping"})
    epoch, revision = frames[0]["epoch"], frames[-1].get("revision", 0)
    for query, last in (
        (f"&since_revision=2&epoch={epoch}", "delta_update"),
        (f"&since_revision={revision}&epoch=other", "full_sync"),
        ("&since_revision=x", "error"),
    ):
        with hub.socket(f"{path}?restaurant_id={restaurant}{query}") as sock:
            frames += recorded(sock, {last})
    if path == REALTIME:
        gone = hub.new_restaurant()
        with hub.socket(path) as sock:
            frames += recorded(sock, {"connection_established"})
            assert api.delete(f"/restaurants/{gone}").is_success
            frames += recorded(sock, {"restaurant_deleted"})
    for frame in frames:
        hold(document, path, frame)
    heard = {frame["type"] for frame in frames}
    assert heard == said_on(document, path, "send").keys() - {
        "ping"
    }  # which comes after 30 s: test_sockets_heartbeat.py
    assert any(frame.get("parts", 1) > 1 for frame in frames)


def test_a_socket_for_all_restaurants_is_as_the_document_says(
    hub: Hub, api: httpx.Client, restaurant: int, document: Json
) -> None:
    with hub.socket(REALTIME) as sock:
        (hello,) = recorded(sock, {"connection_established"})
        assert hello["restaurants"]
        new_guest(api, restaurant)
        for frame in (hello, *recorded(sock, {"guest_created"})):
            hold(document, REALTIME, frame)


@on_both_sockets
def test_the_requests_that_the_hub_takes_are_those_of_the_document(document: Json, path: str) -> None:
    for request in REQUESTS:
        taken = said_on(document, path, "receive").get(request["type"])
        assert (taken is None) == (request["type"] == "subscribe")
        if taken is not None:
            jsonschema_rs.Draft7Validator({**taken["payload"]}).validate(request)
    delta = said_on(document, path, "receive")["request_delta"]["payload"]
    assert not jsonschema_rs.Draft7Validator(delta).is_valid({"type": "request_delta"})


@on_both_sockets
def test_the_parameters_of_a_socket_are_told(hub: Hub, restaurant: int, document: Json, path: str) -> None:
    query = document["channels"][CHANNELS[path]]["bindings"]["ws"]["query"]
    assert query["properties"].keys() == {"restaurant_id", "since_revision", "epoch"}
    told = jsonschema_rs.Draft7Validator(query)
    for text, code in (
        ("restaurant_id=0", 4400),
        ("restaurant_id=1&since_revision=-1", 4400),
        ("restaurant_id=1", None),
    ):
        asked: dict[str, Any] = {name: int(value) for name, value in parse_qsl(text)}
        assert told.is_valid(asked) is (code is None)
        with hub.socket(f"{path}?{text}") as sock:
            if code is not None:
                assert until_closed(sock)[1] == code


@on_both_sockets
def test_every_close_code_is_told(document: Json, path: str) -> None:
    channel = document["channels"][CHANNELS[path]]
    assert {one["code"] for one in channel["x-close-codes"]} == CLOSES
    assert all(f"- {code}: " in channel["description"] for code in CLOSES)


def test_every_message_has_examples_that_fit_it(document: Json) -> None:
    for message in document["components"]["messages"].values():
        schema = {"allOf": [message["payload"]], "components": document["components"]}
        assert message["examples"], message["name"]
        for example in message["examples"]:
            jsonschema_rs.Draft7Validator(schema).validate(example["payload"])
            assert example["payload"]["type"] == message["name"]


def test_the_sockets_say_that_they_may_ask_for_a_token(document: Json) -> None:
    [scheme] = [resolved(document, one) for one in document["servers"]["hub"]["security"]]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
