"""The attack by what a request says: bodies, messages and queues that cost more to read than to send."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from restohub.web.request import in_order
from restohub.wire.batch_inputs import named_restaurant, read_batch, read_queue
from restohub.wire.problems import Problem
from restohub.wire.socket_state import SocketState
from restohub.wire.strict_json import read_json
from tests.attack.costly_bodies import GUEST, MIB, body, slowest
from tests.attack.house_ipads import friends
from tests.attack.stranger import client, raw, ws
from tests.conftest import WAIT_S, Hub, next_message

BATCH, QUEUE = "/api/v1/atomic/batch", "/api/sync/batch"
JSON_TYPE = {"Content-Type": "application/json"}
ANSWER_BYTES_MAX = 64 * 1024
MESSAGE_BYTES = 64 * 1024
HOLD_S_MAX = 0.1
FRIENDS = 20

LIST, OBJECT = ("[", "{item}", "]"), ("{", '"key{n:020}":{item}', "}")
CREATE, UPDATE = GUEST % "create", GUEST % "update"
ONE_GUEST = f'{{"operations":[{{{CREATE},"data":{{'
UNKNOWN = "{" + ",".join(f'"k{n:04}":0' for n in range(190)) + "}"
DISAGREEING = {"operations": [{"data": {"restaurant_id": n}} for n in range(1, 5_000)]}
LAST_TWICE = b"{" + b",".join(b'"k%030d":0' % n for n in range(26_000)) + b',"k%030d":0}' % 25_999
SPACES = f'{ONE_GUEST}"name":"A","partySize":2,"status":"{" " * 10**6}"}}}}]}}'

Content = Callable[[], bytes]  # made where it is sent: every process of the tests reads this file

# Bodies of a batch, each with the code and the number of faults of its answer.
REFUSED: dict[str, tuple[Content, str, int]] = {
    "a key that comes last and twice": (lambda: LAST_TWICE, "invalid_json", 0),
    "a list of 200,000": (partial(body, ('""',), ('{"operations":[', "{item}", "]}"), MIB), "invalid_json", 0),
    "empty objects": (partial(body, ("{}",), LIST, MIB), "invalid_json", 0),
    "depth": (lambda: b"[" * MIB, "invalid_json", 0),
    "long digits": (partial(body, ("1" * 4_300,), LIST, MIB), "invalid_json", 0),
    "unknown keys": (partial(body, ("0",), OBJECT, MIB), "validation_failed", 100),
    "unknown keys in one guest": (partial(body, ("0",), (ONE_GUEST, OBJECT[1], "}}]}"), MIB), "validation_failed", 100),
    "unknown keys in each guest": (
        partial(body, (UNKNOWN,), ('{"operations":[', f'{{{{{CREATE},"data":{{item}}}}}}', "]}"), MIB),
        "validation_failed", 100,
    ),
    "keys where a list is wanted": (
        partial(body, ("0",), ('{"operations":{', OBJECT[1], "}}"), MIB), "validation_failed", 1,
    ),
    "restaurants that do not agree": (lambda: json.dumps(DISAGREEING).encode(), "validation_failed", 100),
    "a status of spaces": (SPACES.encode, "validation_failed", 1),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_body_that_is_full_of_faults_gets_a_short_answer(target: Hub, name: str) -> None:
    made, code, faults = REFUSED[name]
    content = made()
    assert len(content) <= MIB
    with client(target) as api:
        answer = api.post(BATCH, content=content, headers={**JSON_TYPE, "Idempotency-Key": name})
    said = answer.json()
    assert (said["error_code"], len(said["errors"])) == (code, faults)
    assert answer.status_code == (400 if code == "invalid_json" else 422)
    assert len(answer.content) < ANSWER_BYTES_MAX


def test_a_message_that_is_full_of_values_gets_a_short_error(target: Hub) -> None:
    with ws(target, "/realtime") as sock:
        next_message(sock)
        for item, place in (("0", OBJECT), ("{}", LIST), ("0." + "1" * 500, LIST)):
            sock.send(body((item,), place, MESSAGE_BYTES).decode())
            error = sock.recv(timeout=WAIT_S)
            assert json.loads(error)["error_code"] == "invalid_json"
            assert len(error) < 1_000
        sock.send('{"type": "ping"}')
        assert next_message(sock)["type"] == "pong"


def test_a_query_of_1300_parameters_is_refused(target: Hub) -> None:
    with client(target) as api:
        answer = api.get("/restaurants/1/guests?" + "&".join(["status=left"] * 1_300))
    assert (answer.status_code, answer.json()["error_code"]) == (400, "invalid_query")


def test_a_queue_with_an_old_base_is_merged(target: Hub) -> None:
    """500 updates of guests that changed in each of the last 1,000 revisions, with the base from before."""
    restaurant = target.new_restaurant()
    with target.client() as api:
        base = make_past(api, restaurant, 1_000)
        assert statuses(api, restaurant, base, {"tags": ["x"]}) == ["applied"] * 50 + ["unchanged"] * 450
        assert statuses(api, restaurant, base, {"notes": "x"}) == ["conflict"] * 500


def make_past(api: httpx.Client, restaurant: int, revisions: int) -> int:
    """50 guests whose notes changed in turn; the revision before that."""
    for n in range(50):
        made = api.post(f"/restaurants/{restaurant}/guests", json={"id": f"g{n}", "name": "Rossi", "partySize": 2})
        base = int(made.headers["Restohub-Revision"])
    for begin in range(0, revisions, 500):
        done = send_queue(api, restaurant, [{"notes": f"{begin + n}"} for n in range(500)], None)
        assert done["success"]
    return base


def send_queue(api: httpx.Client, restaurant: int, datas: list[dict[str, Any]], base: int | None) -> Any:
    updates = [
        {"entity_type": "guest", "entity_id": f"g{n % 50}", "base_version": base, "data": data}
        for n, data in enumerate(datas)
    ]
    return api.post(f"{QUEUE}?restaurant_id={restaurant}", json={"updates": updates}).json()


def statuses(api: httpx.Client, restaurant: int, base: int, data: dict[str, Any]) -> list[str]:
    return [one["status"] for one in send_queue(api, restaurant, [data] * 500, base)["results"]]


# ---- The full attacks.


class Hold:
    """How long the loop was held, and how much processor time the hub took meanwhile (seconds)."""

    longest_s = 0.0
    cpu_s = 0.0


def scheduled_s(hub: Hub) -> tuple[float, float]:
    """How long the hub's loop has run, and how long it has waited for a processor."""
    assert hub.process is not None
    ran, waited, _ = Path(f"/proc/{hub.process.pid}/schedstat").read_text("ascii").split()
    return int(ran) / 1e9, int(waited) / 1e9


@contextlib.contextmanager
def held(hub: Hub) -> Iterator[Hold]:
    """The longest that a small request had to wait while the hub's loop ran: waiting for a processor does not count."""
    found, stop = Hold(), threading.Event()

    def probe() -> None:
        with raw(hub, "127.0.7.99", wait_s=60) as sock:
            while not stop.wait(0.002):
                (ran, waited), began = scheduled_s(hub), time.monotonic()
                sock.sendall(b"GET /restaurants/1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                assert sock.recv(65536).startswith(b"HTTP/1.1 200")
                took = time.monotonic() - began
                ran_by_now, waited_by_now = scheduled_s(hub)
                found.longest_s = max(found.longest_s, min(took - (waited_by_now - waited), ran_by_now - ran))

    probing = threading.Thread(target=probe, daemon=True)
    began = scheduled_s(hub)[0]
    probing.start()
    try:
        yield found
    finally:
        stop.set()
        probing.join(60)
        found.cpu_s = scheduled_s(hub)[0] - began


def least_held_s(hub: Hub, attack: Callable[[], object], times: int = 3) -> float:
    """How long an attack held the loop, the least of some tries: whatever else the machine did is not its doing."""
    holds: list[float] = []
    while len(holds) < times and min(holds, default=1.0) > HOLD_S_MAX / 2:
        with held(hub) as hold:
            time.sleep(0.01)
            attack()
            time.sleep(0.01)
        holds.append(hold.longest_s)
    return min(holds)


KEYS_IN_ORDER = b",".join(b'"k%06d":0' % n for n in range(74_000))
# Bodies that are slow for what they hold: where each goes.
SLOW: dict[str, tuple[str, Content]] = {
    "keys of which the last belongs first": (BATCH, lambda: b"{" + KEYS_IN_ORDER + b',"k0":0}'),
    "unknown keys in each update": (
        QUEUE, partial(body, (UNKNOWN,), ('{"updates":[', f'{{{{{UPDATE},"data":{{item}}}}}}', "]}"), MIB),
    ),
    "slow numbers": (BATCH, partial(body, ("0.1234567890123456789e-300",), LIST, MIB)),
    "escaped keys": (BATCH, partial(body, ("0",), ("{", '"\\u0061{n:x}":{item}', "}"), MIB, 69_000)),
    "ignored values": (
        BATCH, partial(body, ("0",), ('{"operations":[{}],"metadata":{', '"k{n}":{item}', "}}"), MIB, 90_000),
    ),
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("name", [*REFUSED, *SLOW])
def test_no_body_holds_the_loop_for_100_ms(target: Hub, name: str) -> None:
    path, made = SLOW.get(name) or (BATCH, REFUSED[name][0])
    content = made()
    with client(target, "127.0.0.1") as api:  # shared, so that no rate delays it

        def attack() -> None:
            api.post(path, content=content, headers={**JSON_TYPE, "Idempotency-Key": name})

        assert least_held_s(target, attack) <= HOLD_S_MAX


@pytest.mark.long
def test_50_messages_of_64_kb_a_second_delay_nobody(target: Hub) -> None:
    message = body(("0",), ("{", '"k{n:x}":{item}', "}"), MESSAGE_BYTES).decode()
    with friends(target, target.new_restaurant(), FRIENDS) as told:
        time.sleep(3)
        quiet = len(told.took_s)
        assert told.took_s
        before_s = told.slowest_percent_s()
        with ws(target, f"/realtime?restaurant_id={target.new_restaurant()}") as sock, held(target) as hold:
            next_message(sock)
            for _ in range(400):
                sock.send(message)
                assert next_message(sock)["type"] == "error"
                time.sleep(0.02)
        during_s = told.slowest_percent_s(quiet)
    assert not told.faults
    assert hold.longest_s <= HOLD_S_MAX
    assert during_s <= 2 * before_s + 0.05


@pytest.mark.long
def test_10_queues_with_old_bases_cost_less_than_2_s(target: Hub) -> None:
    """Were each update's own chain followed, a query a step, it would be 127 s of processor time."""
    restaurant = target.new_restaurant()
    with client(target, "127.0.0.1", timeout=120) as api:
        base = make_past(api, restaurant, 1_000)
        with friends(target, target.new_restaurant(), FRIENDS) as told:
            time.sleep(3)
            quiet, before_s = len(told.took_s), told.slowest_percent_s()
            with held(target) as hold:
                for _ in range(10):
                    assert statuses(api, restaurant, base, {"notes": "x"}) == ["conflict"] * 500
            during_s = told.slowest_percent_s(quiet)
    assert not told.faults
    assert hold.cpu_s <= 2
    assert hold.longest_s <= HOLD_S_MAX
    assert during_s <= 2 * before_s + 0.1


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """The processor time that some work took (seconds), and what came of it; None where it was refused."""
    began = time.thread_time()
    with contextlib.suppress(Problem):
        done = work()
        return time.thread_time() - began, done
    return time.thread_time() - began, None


CANONICAL = msgspec.json.Encoder(order="sorted")


def step_s(content: bytes) -> float:
    """The longest step in which a batch is read, the quicker of two tries: parsed, digested, looked at.

    A queue is looked at with pauses after each 20 ms: there it is the longest of one update.
    """
    found: list[float] = []
    while len(found) < 2 and min(found, default=1.0) > HOLD_S_MAX / 4:
        parsed_s, document = timed(lambda: read_json(content))
        is_queue = isinstance(document, dict) and "updates" in document
        looks = [] if document is None else [queue_step_s(document) if is_queue else batch_step_s(document)]
        found.append(max([parsed_s, *looks]))
    return min(found)


def batch_step_s(document: Any) -> float:
    def look() -> None:
        named_restaurant(document, None)
        sha256(CANONICAL.encode(in_order(document)))
        read_batch(document)

    return timed(look)[0]


def queue_step_s(document: Any) -> float:
    longest_s, items = timed(lambda: (named_restaurant(document, None), read_queue(document))[1])
    item = items
    while item is not None:
        took_s, item = timed(lambda: next(items, None))
        longest_s = max(longest_s, took_s)
    return longest_s


def message_s(content: bytes) -> float:
    """How long a socket's message takes, the quickest of three tries."""
    text = content.decode()
    return min(timed(lambda: SocketState(1, 0.0).on_message(text, 0.0))[0] for _ in range(3))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_no_slower_body_is_found() -> None:
    took_s, slow = slowest(MIB, step_s, 300)
    assert took_s <= HOLD_S_MAX, f"{took_s * 1000:.0f} ms: {slow[:300]!r}"


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_no_slower_message_is_found() -> None:
    took_s, slow = slowest(MESSAGE_BYTES, message_s, 2_000)
    assert took_s <= 0.005, f"{took_s * 1000:.1f} ms: {slow[:300]!r}"
