"""The small talk of the batch, sync and error tests: what they send and what they read."""

from __future__ import annotations

import re
from typing import Any

import httpx

from tests.contract.words_talk import WORDS, hold_words

Json = dict[str, Any]

BATCH = "/api/v1/atomic/batch"
SYNC_BATCH = "/api/sync/batch"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
RESULT_KEYS = {"mutation_id", "entity_id", "status", "error_code", *WORDS, "current", "revision"}
PROBLEM_KEYS = {"type", "title", "status", *WORDS, "error_code", "timestamp", "transaction_id", "current", "errors"}
LEAKS = re.compile(r"Traceback|[Ss][Qq][Ll]ite|site-packages|\.py\b|/tmp/|/home/|/root/|SELECT |INSERT INTO|UPDATE ")


def problem(answer: httpx.Response, status: int, code: str) -> Json:
    """The problem document of a refusal, held against contract.md, "What an error says"."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text[:1000]}"
    body = any_problem(answer)
    assert body["error_code"] == code, body
    return body


def any_problem(answer: httpx.Response) -> Json:
    """The problem document of an answer that is some 4xx, whatever its code."""
    assert 400 <= answer.status_code < 500, f"{answer.status_code}: {answer.text[:1000]}"
    assert answer.headers["content-type"].split(";")[0] == "application/problem+json", answer.headers
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert isinstance(body, dict)
    assert body.keys() >= PROBLEM_KEYS, f"without {PROBLEM_KEYS - body.keys()}"
    assert body["status"] == answer.status_code
    assert body["type"] == f"/docs/errors#{body['error_code']}"
    assert isinstance(body["title"], str)
    assert body["title"].strip()
    assert isinstance(body["errors"], list)
    for said in (body, *({"error_code": body["error_code"], **error} for error in body["errors"])):
        hold_words(said)
    assert TIME.fullmatch(body["timestamp"]), body["timestamp"]
    assert not LEAKS.search(answer.text), answer.text
    return body


def ok(answer: httpx.Response, status: int = 200) -> Json:
    """The body of an answer that had to succeed."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text[:1000]}"
    body = answer.json()
    assert isinstance(body, dict)
    return body


def revision_of(answer: httpx.Response) -> int:
    """The revision that an answer names in its header."""
    return int(answer.headers["restohub-revision"])


def new_guest(api: httpx.Client, restaurant: int, /, **fields: Any) -> Json:
    """A guest made for a test; Rossi, a party of 2, where nothing else is said."""
    return ok(api.post(f"/restaurants/{restaurant}/guests/", json={"name": "Rossi", "partySize": 2, **fields}), 201)


def new_table(api: httpx.Client, restaurant: int, /, **fields: Any) -> Json:
    """A table made for a test; number 12 for 4, where nothing else is said."""
    return ok(api.post(f"/restaurants/{restaurant}/tables/", json={"tableNumber": "12", "capacity": 4, **fields}), 201)


def patch_guest(api: httpx.Client, restaurant: int, guest: str, /, **fields: Any) -> Json:
    """The guest after the given fields were changed."""
    return ok(api.patch(f"/restaurants/{restaurant}/guests/{guest}", json=fields))


def patch_table(api: httpx.Client, restaurant: int, table: str, /, **fields: Any) -> Json:
    """The table after the given fields were changed."""
    return ok(api.patch(f"/restaurants/{restaurant}/tables/{table}", json=fields))


def op(entity_type: str, action: str, entity_id: str | None = None, /, **data: Any) -> Json:
    """One operation of an atomic batch, or one update of a sync batch."""
    made: Json = {"entity_type": entity_type, "action": action}
    if entity_id is not None:
        made["entity_id"] = entity_id
    if action != "delete":
        made["data"] = data
    return made


def post_batch(api: httpx.Client, restaurant: int, /, *operations: Any, **beside: Any) -> httpx.Response:
    """The answer to an atomic batch of these operations, with any other keys beside them."""
    return api.post(BATCH, json={"restaurant_id": restaurant, "operations": list(operations), **beside})


def post_updates(
    api: httpx.Client, restaurant: int, /, *updates: Any, headers: dict[str, str] | None = None, **beside: Any
) -> httpx.Response:
    """The answer to an off-line queue of these updates."""
    url = f"{SYNC_BATCH}?restaurant_id={restaurant}"
    return api.post(url, json={"updates": list(updates), **beside}, headers=headers)


def full_sync(api: httpx.Client, restaurant: int) -> Json:
    """The full sync of a restaurant."""
    return ok(api.get("/api/sync/full", params={"restaurant_id": restaurant}))


def delta(api: httpx.Client, restaurant: int, /, **query: Any) -> Json:
    """The delta of a restaurant."""
    return ok(api.get("/api/sync/delta", params={"restaurant_id": restaurant, **query}))


def floor(api: httpx.Client, restaurant: int) -> Json:
    """What a restaurant holds: its revision, and its guests and tables by id."""
    body = full_sync(api, restaurant)
    held: Json = {"revision": body["revision"]}
    for kind in ("guests", "tables"):
        held[kind] = {entity["id"]: entity for entity in body[kind]}
    return held


def named(changes: list[Json]) -> list[tuple[str, str, str]]:
    """The kind, id and action of each change."""
    return [(change["entity_type"], change["entity_id"], change["action"]) for change in changes]


def edit(guest: str, mutation_id: str | None = None, /, base: int | None = None, **data: Any) -> Json:
    """An update of a guest, with a mutation id and a base version where they are given."""
    made = op("guest", "update", guest, **data)
    if mutation_id is not None:
        made["mutation_id"] = mutation_id
    if base is not None:
        made["base_version"] = base
    return made


def results(answer: httpx.Response) -> list[Json]:
    """The results of a queue; each has all its keys, says why where it was not applied, and where it is if it was."""
    body = ok(answer)
    for result in body["results"]:
        assert result.keys() == RESULT_KEYS
        refused = result["status"] in ("conflict", "rejected")
        assert (result["revision"] is not None) is (result["status"] in ("applied", "duplicate")), result
        assert refused or result["current"] is None, result
        assert (result["error_code"] is not None) is refused, result
        if refused:
            hold_words(result)
        else:
            assert (result["detail"], result["hint"], result["params"]) == (None, None, {})
    done = [result for result in body["results"] if result["status"] in ("applied", "unchanged", "duplicate")]
    assert body["processed_count"] == len(done)
    assert body["failed_count"] == len(body["results"]) - len(done)
    assert body["success"] is (body["failed_count"] == 0)
    assert isinstance(body["results"], list)
    return list(body["results"])


def only(answer: httpx.Response) -> Json:
    """The result of a queue of one."""
    (result,) = results(answer)
    return result
