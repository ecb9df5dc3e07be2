"""The contract towards bytes no app would send: a clear 4xx, nothing changed, never a 500."""

from __future__ import annotations

import json
import random
import re
import socket
from typing import Any

import httpx
import pytest

from tests.attack.stranger import status_of
from tests.conftest import Hub
from tests.contract.answers import Json, any_problem, ok, problem
from tests.contract.malformed_bodies import NOT_JSON, UNFIT
from tests.contract.requests import BATCH, SYNC_BATCH, floor_of, new_guest, new_table, op

JSON_TYPE = {"Content-Type": "application/json"}
GUESTS = "/restaurants/{id}/guests/"
# Every route that reads a body: method, path.
ROUTES = [
    ("POST", "/restaurants"),
    ("PATCH", "/restaurants/{id}"),
    ("POST", GUESTS),
    ("PATCH", GUESTS + "g1"),
    ("PUT", GUESTS + "g1/status/atomic"),
    ("POST", "/restaurants/{id}/tables/"),
    ("PUT", "/restaurants/{id}/tables/t1"),
    ("POST", BATCH),
    ("POST", SYNC_BATCH + "?restaurant_id={id}"),
]


@pytest.fixture
def place(api: httpx.Client, restaurant: int) -> int:
    """A restaurant with the guest g1 and the table t1."""
    new_guest(api, restaurant, id="g1")
    new_table(api, restaurant, id="t1")
    return restaurant


def send(api: httpx.Client, place: int, method: str, path: str, content: bytes) -> httpx.Response:
    """The answer to these bytes, sent as JSON."""
    return api.request(method, path.format(id=place), content=content, headers=JSON_TYPE)


def sent_everywhere(api: httpx.Client, place: int, content: bytes) -> dict[str, httpx.Response]:
    """The answer of each route to these bytes."""
    return {f"{method} {path}": send(api, place, method, path, content) for method, path in ROUTES}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_bytes_that_are_no_json_are_400(api: httpx.Client, place: int, body: bytes) -> None:
    answers = sent_everywhere(api, place, body)
    assert {route: answer.status_code for route, answer in answers.items()} == dict.fromkeys(answers, 400)
    for answer in answers.values():
        problem(answer, 400, "invalid_json")
    assert floor_of(api, place)["revision"] == 2


@pytest.mark.parametrize("body", UNFIT.values(), ids=UNFIT.keys())
def test_json_of_another_shape_is_a_problem(api: httpx.Client, place: int, body: bytes) -> None:
    # What is nested deeper, or a larger number, than is read is no JSON of ours; all else is JSON that does not fit.
    readable = not re.search(rb"\[\[\[|\{\"a\": ?\{\"a\"|\d{641}|1e\d{3}", body)
    for answer in sent_everywhere(api, place, body).values():
        problem(answer, *((422, "validation_failed") if readable else (400, "invalid_json")))
    assert floor_of(api, place)["revision"] == 2


NUMBERS = ["-1", "0", "101", "2.5", "1e400", "-1e400", "1e308", "9007199254740993", "9223372036854775808"]
NUMBERS += ["18446744073709551616", "-9223372036854775809", "1" + "0" * 400, "1" * 4301, "-" + "9" * 5000]


def unreadable(number: str) -> bool:
    """Whether a number is larger than a double, or longer than is read."""
    return len(number) > 640 or bool(re.fullmatch(r"-?1e[49]\d\d", number))


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (GUESTS, '{"name": "Rossi", "partySize": %s}'),
        ("/restaurants/{id}/tables/", '{"tableNumber": "13", "capacity": %s}'),
        (
            BATCH,
            '{"operations": [{"entity_type": "guest", "action": "create", "data": {"name": "A", "partySize": %s}}]}',
        ),
    ],
)
def test_a_number_out_of_bounds_is_a_problem(api: httpx.Client, place: int, path: str, body: str, number: str) -> None:
    content = (body % number).replace("{", f'{{"restaurant_id": {place}, ', 1) if path == BATCH else body % number
    answer = send(api, place, "POST", path, content.encode())
    problem(answer, *((400, "invalid_json") if unreadable(number) else (422, "validation_failed")))
    assert floor_of(api, place)["revision"] == 2


@pytest.mark.parametrize("number", ["1e400", "-1e999", "1e308", '"1"', "true", "[]", "1000001", "9" * 400])
@pytest.mark.parametrize("field", ['"rotation": %s', '"position": {"x": %s, "y": 0}'])
def test_a_place_on_the_floor_is_a_finite_number(api: httpx.Client, place: int, field: str, number: str) -> None:
    body = "{" + field % number + "}"
    answer = send(api, place, "PATCH", "/restaurants/{id}/tables/t1", body.encode())
    problem(answer, *((400, "invalid_json") if unreadable(number) else (422, "validation_failed")))
    assert floor_of(api, place)["revision"] == 2


NO_TIMES = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z"]
NO_TIMES += ["2024-02-30T10:30:00Z", "2024-13-01T10:30:00Z", "2024-01-15T24:00:01Z", "2024-01-15T10:60:00Z"]
NO_TIMES += ["2024-01-15T10:30:00", "2024-01-15", "2024-01-15T10:30Z", "20240115T103000Z", "2024-01-15T10:30:00+25:00"]
NO_TIMES += ["-001-01-01T00:00:00Z", "2024-01-15T10:30:00.Z", "２０２４-01-15T10:30:00Z", "now", " ", "1705314600"]


@pytest.mark.parametrize("time", [*NO_TIMES, 1705314600, 1e400, True, [], {}])
def test_what_is_no_time_in_a_body_is_refused(api: httpx.Client, place: int, time: Any) -> None:
    body = json.dumps({"name": "Rossi", "partySize": 2, "reservationTime": time}).replace("Infinity", "1e400")
    answer = send(api, place, "POST", GUESTS, body.encode())
    problem(answer, *((400, "invalid_json") if time == 1e400 else (422, "validation_failed")))
    assert floor_of(api, place)["revision"] == 2


@pytest.mark.parametrize("time", NO_TIMES)
def test_what_is_no_time_in_a_query_is_refused(api: httpx.Client, place: int, time: str) -> None:
    problem(api.get("/api/sync/delta", params={"restaurant_id": place, "since": time}), 400, "invalid_query")


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999Z"])
def test_the_ends_of_the_calendar_are_refused(api: httpx.Client, place: int, time: str) -> None:
    body = {"name": "Rossi", "partySize": 2, "reservationTime": time}
    problem(api.post(GUESTS.format(id=place), json=body), 422, "validation_failed")
    problem(api.get("/api/sync/delta", params={"restaurant_id": place, "since": time}), 400, "invalid_query")


TEXTS = [
    "'; DROP TABLE guests; --",
    "\u202egnihton\u202c",
    "👩‍👩‍👧‍👦",
    "a\u0300" * 40,
    "\ufeff\u200b\ufffd\uffff",
    "<script>",
]
TEXTS += [
    "\x1b[31mred\x1b[0m",
    "line\r\nSet-Cookie: a=b",
    "${jndi:ldap://x}",
    "%s%n%00",
    "../../etc/passwd",
    "\u2028\u2029",
]


@pytest.mark.parametrize("text", TEXTS)
def test_any_other_text_is_kept_as_it_came(api: httpx.Client, place: int, text: str) -> None:
    made = new_guest(api, place, id="g2", name="A", notes=text, tags=[text])
    assert (made["notes"], made["tags"]) == (text, [text])
    assert floor_of(api, place)["guests"]["g2"]["notes"] == text


@pytest.mark.parametrize("name", ["a/b", "..", ".", "a b", "é", "a\nb", "", "g" * 65, "a%2fb", "a?b", "a#b", "\u200b"])
@pytest.mark.parametrize("kind", ["guest", "table"])
def test_an_id_that_no_path_could_carry_is_refused(api: httpx.Client, place: int, kind: str, name: str) -> None:
    data = {"guest": {"name": "A", "partySize": 1}, "table": {"tableNumber": "13", "capacity": 1}}[kind]
    answer = api.post(f"/restaurants/{place}/{kind}s/", json={**data, "id": name})
    problem(answer, 422, "validation_failed")


@pytest.mark.parametrize(
    "path",
    [
        "%00",
        "%ff",
        "%ed%a0%80",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "%0d%0aX-Evil:%201",
        "x" * 5000,
        "%",
        "%zz",
        "%F0%9F%98%80",
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_strange_id_in_a_path_is_a_problem(api: httpx.Client, place: int, method: str, path: str) -> None:
    code = "route_not_found" if "%2f" in path else "guest_not_found"
    problem(api.request(method, f"/restaurants/{place}/guests/{path}"), 404, code)


@pytest.mark.parametrize("value", ["abc", "0", "-1", "1.5", "9" * 5000, "9223372036854775808", "%00", "%ff", "٣", " "])
def test_a_strange_restaurant_in_a_path_is_a_problem(api: httpx.Client, value: str) -> None:
    for rest in ("", "/guests/", "/tables/t1"):
        problem(api.get(f"/restaurants/{value}{rest}"), 404, "restaurant_not_found")


@pytest.mark.parametrize(
    "query",
    [
        "since_revision=%00",
        "since_revision=%ff",
        "since_revision=0&limit=%F0%9F%98%80",
        "since_revision=0&epoch=%00",
        "since_revision=0&epoch=" + "x" * 5000,
        "since_revision=" + "9" * 5000,
        "since_revision=9223372036854775808",
        "since=" + "9" * 5000,
        "since=%00",
        "&&&===&%%%",
    ],
)
def test_a_strange_query_is_a_problem(api: httpx.Client, place: int, query: str) -> None:
    wrong = (410, "revision_expired") if "epoch" in query else (400, "invalid_query")
    problem(api.get(f"/api/sync/delta?restaurant_id={place}&{query}"), *wrong)


@pytest.mark.parametrize("query", ["q=%ff", "q=%00", "q=%25%5f%27%22"])
def test_a_strange_text_is_looked_for_and_not_found(api: httpx.Client, place: int, query: str) -> None:
    answer = api.get(f"/restaurants/{place}/guests/?{query}")
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize("query", ["status=%00", "cursor=%00", "a=b", "q=" + "x" * 20_000])
def test_a_strange_filter_is_a_problem(api: httpx.Client, place: int, query: str) -> None:
    wrong = (431, "head_too_large") if len(query) > 1000 else (400, "invalid_query")
    problem(api.get(f"/restaurants/{place}/guests/?{query}"), *wrong)


@pytest.mark.parametrize("tag", [b"garbage", b'"', b'W/"1"', b'""', b'"1', b"\xff", b'"' + b"9" * 5000 + b'"'])
def test_a_strange_if_match_is_a_problem(api: httpx.Client, place: int, tag: bytes) -> None:
    answer = api.patch(f"/restaurants/{place}/guests/g1", json={"notes": "x"}, headers=[(b"If-Match", tag)])
    problem(answer, 412, "version_conflict")
    assert floor_of(api, place)["revision"] == 2


@pytest.mark.parametrize("content_type", [b"\xff", b";", b"application/" + b"j" * 9000])
def test_a_strange_content_type_is_a_problem(api: httpx.Client, place: int, content_type: bytes) -> None:
    body = b'{"name": "A", "partySize": 2}'
    answer = api.post(GUESTS.format(id=place), content=body, headers=[(b"Content-Type", content_type)])
    problem(answer, 415, "unsupported_media_type")


def test_a_compressed_body_is_a_problem(api: httpx.Client, place: int) -> None:
    headers = {**JSON_TYPE, "Content-Encoding": "gzip"}
    answer = api.post(GUESTS.format(id=place), content=b"\x1f\x8b\x08\x00" + b"\x00" * 50, headers=headers)
    problem(answer, 400, "invalid_json")


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_are_400(api: httpx.Client, place: int, seed: int) -> None:
    dice = random.Random(seed)
    for method, path in ROUTES:
        problem(send(api, place, method, path, b"\xff" + dice.randbytes(dice.randrange(1, 2000))), 400, "invalid_json")


def anything(dice: random.Random, depth: int = 0) -> Any:
    """A JSON value by chance, with the names and values that routes look for among it."""
    words = ["guest", "table", "create", "update", "delete", "g1", "t1", "seated", "available", "", "x" * 200, "2024"]
    words += ["entity_type", "entity_id", "action", "data", "name", "partySize", "tableId", "status", "operations"]
    words += ["updates", "mutation_id", "base_version", "transaction_id", "guests", "tables", "operation", "id", "tags"]
    words += ["position", "x", "y", "capacity", "tableNumber", "currentGuestId", "version", "timezone", "number"]
    match dice.randrange(9 if depth < 5 else 6):
        case 0:
            return dice.choice([None, True, False])
        case 1:
            return dice.choice([0, 1, -1, 2, 100, 101, 2**31, 2**53, 2**63, 2**64, 10**30, 1.5, -0.0, 1e-320, 1e300])
        case 2 | 3 | 4 | 5:
            return dice.choice(words)
        case 6:
            return [anything(dice, depth + 1) for _ in range(dice.randrange(5))]
        case _:
            return {dice.choice(words): anything(dice, depth + 1) for _ in range(dice.randrange(6))}


@pytest.mark.parametrize("seed", range(40))
def test_random_json_is_answered_and_never_a_fault_of_the_hub(api: httpx.Client, place: int, seed: int) -> None:
    dice = random.Random(seed)
    for method, path in ROUTES:
        body: Any = {dice.choice(["data", "name", "status", "id"]): anything(dice) for _ in range(3)}
        if path == BATCH:
            items = [{**op("guest", "update", "g1"), "data": anything(dice)}, anything(dice, 3)]
            body = {"restaurant_id": place, "operations": items}
        elif path.startswith(SYNC_BATCH):
            body = {"updates": [{**op("table", "update", "t1"), "data": anything(dice)}, anything(dice, 3)]}
        answer = send(api, place, method, path, json.dumps(body).encode())
        assert answer.is_success or any_problem(answer), body  # chance makes some that fit


@pytest.mark.parametrize("seed", range(10))
def test_a_body_with_a_byte_changed_is_answered(api: httpx.Client, place: int, seed: int) -> None:
    dice = random.Random(seed)
    whole: Json = {
        "restaurant_id": place,
        "operations": [op("guest", "update", "g1", notes="ü", tags=["a"], partySize=3)],
    }
    for _ in range(20):
        body = bytearray(json.dumps(whole, ensure_ascii=False).encode())
        for _ in range(dice.randrange(1, 4)):
            body[dice.randrange(len(body))] = dice.randrange(256)
        answer = send(api, place, "POST", BATCH, bytes(body))
        assert answer.is_success or any_problem(answer), body  # chance makes some that fit


@pytest.mark.parametrize(
    ("noise", "status"),
    [
        (b"\x00" * 1000, 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)), 400),
        (b"GET\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"POST /restaurants HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (
            b"POST /restaurants HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            400,
        ),
        (b"POST /restaurants HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999999999999999\r\n\r\n{", 400),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", 431),
        (random.Random(7).randbytes(5000), 400),
    ],
    ids=lambda value: repr(value[:20]) if isinstance(value, bytes) else str(value),
)
def test_noise_on_the_wire_is_refused_and_disturbs_no_one(
    hub: Hub, api: httpx.Client, place: int, noise: bytes, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", hub.port), timeout=20) as line:
        line.sendall(noise)
        line.shutdown(socket.SHUT_WR)
        assert status_of(line.recv(100)) == status
    assert floor_of(api, place)["revision"] == 2


@pytest.mark.parametrize("path", ["/realtime", "/ws/restaurant/sync"])
def test_a_socket_s_path_asked_without_an_upgrade_is_a_problem(api: httpx.Client, path: str) -> None:
    answer = api.get(path)
    problem(answer, 426, "upgrade_required")
    assert (answer.headers["Upgrade"], answer.headers["Sec-WebSocket-Version"]) == ("websocket", "13")


def test_the_hub_is_well_after_all_this(api: httpx.Client) -> None:
    assert ok(api.get("/health"))["status"] == "healthy"
