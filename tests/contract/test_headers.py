"""The contract's headers: the revision of an answer, its entity tag, and what no cache may keep."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.conftest import WAIT_S, Hub
from tests.contract.answers import UUID, Json, ok, problem
from tests.contract.floor_client import Floor, checked_floor

Ask = Callable[[Floor], httpx.Response]


def ask(method: str, path: str, body: Json | None = None) -> Ask:
    return lambda floor: floor.api.request(method, floor.root + path, json=body)


# The status of a change that was made.
ANSWERED = {"POST": 201, "PUT": 200, "PATCH": 200, "DELETE": 204}
CHANGES = {
    "create guest": ask("POST", "/guests/", {"firstName": "Ada", "partySize": 2}),
    "put guest": ask("PUT", "/guests/g1", {"notes": "a"}),
    "patch guest": ask("PATCH", "/guests/g1", {"notes": "b"}),
    "seat guest": ask("PATCH", "/guests/g1", {"tableId": "t1"}),
    "status/atomic": ask("PUT", "/guests/g1/status/atomic", {"status": "seated"}),
    "delete guest": ask("DELETE", "/guests/g1"),
    "create table": ask("POST", "/tables/", {"tableNumber": "99", "capacity": 4}),
    "put table": ask("PUT", "/tables/t1", {"notes": "a"}),
    "patch table": ask("PATCH", "/tables/t1", {"notes": "b"}),
    "delete table": ask("DELETE", "/tables/t1"),
}
READS = {
    "guests": ask("GET", "/guests/"),
    "guest": ask("GET", "/guests/g1"),
    "tables": ask("GET", "/tables/"),
    "table": ask("GET", "/tables/t1"),
    "restaurant": ask("GET", ""),
}
REFUSALS = {
    "unknown guest": ask("GET", "/guests/nobody"),
    "unknown route": ask("GET", "/nothing"),
    "wrong method": ask("POST", "/guests/g1"),
    "bad body": ask("POST", "/guests/", {"partySize": 0}),
    "bad query": ask("GET", "/guests/?colour=red"),
    "taken id": ask("POST", "/guests/", {"id": "g1", "firstName": "Ada", "partySize": 2}),
}
TAGGED = ["guests/g1", "tables/t1"]
CONDITIONAL: dict[str, Ask] = {
    name: asked for name, asked in CHANGES.items() if name.split()[0] in ("put", "patch", "delete", "status/atomic")
}


@pytest.fixture
def floor(api: httpx.Client, restaurant: int) -> Iterator[Floor]:
    """A floor with guest g1 and table t1, whose versions differ and are not 1."""
    for floor in checked_floor(api, restaurant):
        floor.new_guest(id="other")
        floor.new_guest(id="g1")
        floor.new_table(id="t1")
        yield floor


def by_name(asks: dict[str, Ask]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("asked", asks.values(), ids=asks.keys())


@by_name(CHANGES)
def test_every_change_says_its_revision_transaction_and_epoch(floor: Floor, asked: Ask) -> None:
    before = floor.revision()
    answer = asked(floor)
    assert answer.status_code == ANSWERED[answer.request.method]
    assert answer.headers["Restohub-Revision"] == str(before + 1) == str(floor.revision())
    transaction = answer.headers["Restohub-Transaction"]
    assert UUID.fullmatch(transaction)
    assert answer.headers["Restohub-Epoch"]


def test_each_change_is_a_transaction_of_its_own(floor: Floor) -> None:
    answers = [floor.patch("guests", "g1", {"quotedWait": minutes}) for minutes in range(5)]
    assert len({answer.headers["Restohub-Transaction"] for answer in answers}) == 5
    assert len({answer.headers["Restohub-Epoch"] for answer in answers}) == 1


@by_name(READS)
def test_every_read_says_the_present_revision_and_epoch(floor: Floor, asked: Ask) -> None:
    changed = floor.patch("guests", "g1", {"notes": "a"})
    read = asked(floor)
    for header in ("Restohub-Revision", "Restohub-Epoch"):
        assert read.headers[header] == changed.headers[header]


def test_a_change_that_changes_nothing_says_the_present_revision(floor: Floor) -> None:
    first = floor.patch("guests", "g1", {"notes": "a"})
    floor.new_table()
    again = floor.patch("guests", "g1", {"notes": "a"})
    assert again.json() == first.json()
    assert int(again.headers["Restohub-Revision"]) == int(first.headers["Restohub-Revision"]) + 1
    assert again.headers["Restohub-Epoch"] == first.headers["Restohub-Epoch"]


@pytest.mark.parametrize(
    "name", ["create guest", "put guest", "patch guest", "status/atomic", "create table", "put table", "patch table"]
)
def test_a_changed_entitys_tag_and_version_are_the_revision(floor: Floor, name: str) -> None:
    answer = CHANGES[name](floor)
    revision = answer.headers["Restohub-Revision"]
    assert answer.headers["ETag"] == f'"{revision}"'
    entity = answer.json()["guest"] if name == "status/atomic" else answer.json()
    assert entity["version"] == int(revision)


@pytest.mark.parametrize("path", TAGGED)
def test_a_read_entitys_tag_is_its_version_not_the_present_revision(floor: Floor, path: str) -> None:
    floor.new_guest()
    answer = floor.api.get(f"{floor.root}/{path}")
    assert answer.headers["ETag"] == f'"{answer.json()["version"]}"'
    assert answer.json()["version"] < int(answer.headers["Restohub-Revision"])


def if_match(floor: Floor, name: str, tags: str) -> httpx.Response:
    """The change of this name, made on condition."""
    floor.api.headers["If-Match"] = tags
    try:
        return CHANGES[name](floor)
    finally:
        del floor.api.headers["If-Match"]


def aimed_at(floor: Floor, name: str) -> Json:
    return floor.table("t1") if "table" in name else floor.guest("g1")


@pytest.mark.parametrize("name", CONDITIONAL)
@pytest.mark.parametrize("form", ['"{}"', "*", '"1", "{}"', '"{}","999999"', '"x", "{}", "y"'])
def test_a_change_goes_through_where_a_tag_is_the_present_one(floor: Floor, name: str, form: str) -> None:
    tags = form.format(aimed_at(floor, name)["version"])
    answer = if_match(floor, name, tags)
    assert answer.status_code == ANSWERED[answer.request.method]


@pytest.mark.parametrize("name", CONDITIONAL)
@pytest.mark.parametrize("form", ['"1"', '"1", "999999"', '"x"', 'W/"{}"', "{}"])
def test_a_change_is_refused_with_the_present_entity_where_no_tag_is_the_present_one(
    floor: Floor, name: str, form: str
) -> None:
    present = aimed_at(floor, name)
    with floor.untouched():
        refused = if_match(floor, name, form.format(present["version"]))
        assert problem(refused, 412, "version_conflict")["current"] == present


@pytest.mark.parametrize("name", CONDITIONAL)
@pytest.mark.parametrize(
    ("lines", "status"), [(['"888"', '"{}"'], 200), (['"{}"', '"888"'], 200), (['"888"', '"999"'], 412)]
)
def test_tags_on_several_header_lines_are_one_list(floor: Floor, name: str, lines: list[str], status: int) -> None:
    version = aimed_at(floor, name)["version"]
    kept = floor.api.headers
    floor.api.headers = httpx.Headers([*kept.multi_items(), *(("If-Match", line.format(version)) for line in lines)])
    answer = CHANGES[name](floor)
    floor.api.headers = kept
    assert answer.status_code == (ANSWERED[answer.request.method] if status == 200 else status)


def test_an_old_tag_is_refused_after_a_change_by_another(floor: Floor) -> None:
    tag = floor.api.get(f"{floor.root}/guests/g1").headers["ETag"]
    theirs = floor.change_guest("g1", notes="theirs")
    mine = floor.patch("guests", "g1", {"notes": "mine"}, headers={"If-Match": tag})
    assert problem(mine, 412, "version_conflict")["current"] == theirs


def test_taking_a_table_moves_the_tag_of_both(floor: Floor) -> None:
    floor.change_guest("g1", tableId="t1")
    guest, table = floor.guest("g1"), floor.table("t1")
    assert guest["version"] == table["version"] == floor.revision()


def test_without_if_match_the_last_writer_wins_field_by_field(floor: Floor) -> None:
    floor.change_guest("g1", notes="first", phone="1")
    floor.change_guest("g1", notes="second")
    after = floor.guest("g1")
    assert (after["notes"], after["phone"]) == ("second", "1")


@by_name({**CHANGES, **READS, **REFUSALS})
def test_no_answer_may_be_kept_by_a_cache(floor: Floor, asked: Ask) -> None:
    assert asked(floor).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/", "/about", "/docs", "/schema/openapi.json", "/health", "/api/sync/health", "/restaurants", "/nowhere"]
)
def test_no_page_of_the_hub_may_be_kept_by_a_cache(api: httpx.Client, path: str) -> None:
    assert api.get(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("value", ["Bearer old-sign-in", "Basic QTpi", "Bearer", "nonsense"])
def test_an_open_hub_ignores_authorization(floor: Floor, value: str) -> None:
    headers = {"Authorization": value}
    assert ok(floor.patch("guests", "g1", {"notes": value}, headers=headers))["notes"] == value
    assert floor.api.get(f"{floor.root}/guests/", headers=headers).status_code == 200


def test_an_answer_leaves_in_one_piece(hub: Hub) -> None:
    """Head and body in one packet: on a crowded Wi-Fi each packet waits for its turn."""
    with socket.create_connection(("127.0.0.1", hub.port), timeout=WAIT_S) as asking:
        for method, ends in ((b"GET", b"}"), (b"HEAD", b"\r\n\r\n"), (b"GET", b"}")):
            asking.sendall(method + b" /health HTTP/1.1\r\nHost: hub\r\n\r\n")
            answer = asking.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert answer.endswith(ends)


def to_the_end(hub: Hub, *requests: bytes) -> bytes:
    """All that comes for these requests, sent at once, until the hub closes the connection."""
    with socket.create_connection(("127.0.0.1", hub.port), timeout=WAIT_S) as asking:
        asking.sendall(b"".join(requests))
        return b"".join(iter(lambda: asking.recv(65536), b""))


def test_requests_sent_at_once_are_answered_in_their_order_and_the_last_one_closes(hub: Hub) -> None:
    asked = [b"GET /health", b"GET /nowhere", b"HEAD /health", b"OPTIONS /health", b"GET /restaurants"]
    told = to_the_end(
        hub,
        *(line + b" HTTP/1.1\r\nHost: hub\r\n\r\n" for line in asked),
        b"GET /nowhere HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n",
    )
    heads = [answer.partition(b"\r\n\r\n")[0] for answer in told.split(b"HTTP/1.1 ")[1:]]
    assert [int(head[:3]) for head in heads] == [200, 404, 200, 204, 200, 404]
    assert [b"\r\nconnection: close" in head for head in heads] == [False] * 5 + [True]
    assert told.count(b'"error_code"') == 2
    assert told.count(b'"uptime_seconds"') == 1, "the answer to HEAD has no body"


def test_a_client_of_http_1_0_is_answered_and_closed(hub: Hub) -> None:
    head, _, body = to_the_end(hub, b"GET /health HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")
    assert b"\r\nconnection: close" in head
    assert f"content-length: {len(body)}".encode() in head


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked_once(hub: Hub, floor: Floor) -> None:
    body = b'{"firstName": "Ada", "partySize": 2}'
    head = f"POST {floor.root}/guests/ HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nConnection: close\r\n"
    more = b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
    told = to_the_end(hub, head.encode(), more, body)
    assert [line[:12] for line in told.splitlines() if line.startswith(b"HTTP/")] == [b"HTTP/1.1 100", b"HTTP/1.1 201"]
