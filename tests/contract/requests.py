"""The requests of the contract tests: guests, tables, batches, off-line queues and reads, each in one line."""

from __future__ import annotations

from typing import Any

import httpx

from tests.contract.answers import Json, ok

BATCH = "/api/v1/atomic/batch"
SYNC_BATCH = "/api/sync/batch"


def new_guest(api: httpx.Client, restaurant: int, /, **fields: Any) -> Json:
    """A guest made for a test; Rossi, a party of 2, where nothing else is said."""
    return ok(api.post(f"/restaurants/{restaurant}/guests/", json={"name": "Rossi", "partySize": 2, **fields}), 201)


def new_table(api: httpx.Client, restaurant: int, number: str = "12", /, **fields: Any) -> Json:
    """A table made for a test; for 4, where nothing else is said."""
    return ok(
        api.post(f"/restaurants/{restaurant}/tables/", json={"tableNumber": number, "capacity": 4, **fields}), 201
    )


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


def edit(guest: str, mutation_id: str | None = None, /, base: int | None = None, **data: Any) -> Json:
    """An update of a guest, with a mutation id and a base version where they are given."""
    made = op("guest", "update", guest, **data)
    if mutation_id is not None:
        made["mutation_id"] = mutation_id
    if base is not None:
        made["base_version"] = base
    return made


def post_batch(api: httpx.Client, restaurant: int, /, *operations: Any, **beside: Any) -> httpx.Response:
    """The answer to an atomic batch of these operations, with any other keys beside them."""
    return api.post(BATCH, json={"restaurant_id": restaurant, "operations": list(operations), **beside})


def commit_batch(api: httpx.Client, restaurant: int, operations: list[Json], **envelope: Any) -> httpx.Response:
    """The 200 of an atomic batch."""
    answer = post_batch(api, restaurant, *operations, **envelope)
    assert answer.status_code == 200, answer.text
    return answer


def post_updates(
    api: httpx.Client, restaurant: int, /, *updates: Any, headers: dict[str, str] | None = None, **beside: Any
) -> httpx.Response:
    """The answer to an off-line queue of these updates."""
    url = f"{SYNC_BATCH}?restaurant_id={restaurant}"
    return api.post(url, json={"updates": list(updates), **beside}, headers=headers)


def write_notes(api: httpx.Client, restaurant: int, action: str, note: str, guests: int = 200) -> httpx.Response:
    """Create or update `guests` guests by one batch, each with notes of 2,000 characters made of `note`.

    With the default and "é" the entities weigh about 900 KiB in UTF-8.
    """
    notes = (note * 2000)[:2000]
    fields = {"name": "Rossi", "partySize": 2, "notes": notes} if action == "create" else {"notes": notes}
    return commit_batch(api, restaurant, [op("guest", action, f"g{n}", **fields) for n in range(guests)])


def full_sync(api: httpx.Client, restaurant: int) -> Json:
    """The full sync of a restaurant."""
    return ok(api.get("/api/sync/full", params={"restaurant_id": restaurant}))


def delta(api: httpx.Client, restaurant: int, /, **query: Any) -> Json:
    """The delta of a restaurant."""
    return ok(api.get("/api/sync/delta", params={"restaurant_id": restaurant, **query}))


def floor_of(api: httpx.Client, restaurant: int) -> Json:
    """What a restaurant holds: its revision, and its guests and tables by id."""
    body = full_sync(api, restaurant)
    held: Json = {"revision": body["revision"]}
    for kind in ("guests", "tables"):
        held[kind] = {entity["id"]: entity for entity in body[kind]}
    return held


def names_of(changes: list[Json]) -> list[tuple[str, str, str]]:
    """The kind, id and action of each change."""
    return [(change["entity_type"], change["entity_id"], change["action"]) for change in changes]
