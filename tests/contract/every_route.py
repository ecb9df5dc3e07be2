"""Every operation of the hub's document, and by hand one good answer of each."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from tests.access.closed_hub import bearer, manager, person, typed
from tests.conftest import Hub
from tests.contract.answers import Json, ok
from tests.contract.linked_ids import PIN, Linked
from tests.contract.requests import BATCH, SYNC_BATCH, new_guest, new_table, op

Asked = Iterator[tuple[str, httpx.Response]]
ROUTES: list[str] = [
    "get /restaurants",
    "post /restaurants",
    "get /restaurants/{}",
    "put /restaurants/{}",
    "patch /restaurants/{}",
    "delete /restaurants/{}",
    "get /restaurants/{}/guests",
    "post /restaurants/{}/guests",
    "get /restaurants/{}/guests/{}",
    "put /restaurants/{}/guests/{}",
    "patch /restaurants/{}/guests/{}",
    "delete /restaurants/{}/guests/{}",
    "put /restaurants/{}/guests/{}/status/atomic",
    "get /restaurants/{}/tables",
    "post /restaurants/{}/tables",
    "get /restaurants/{}/tables/{}",
    "put /restaurants/{}/tables/{}",
    "patch /restaurants/{}/tables/{}",
    "delete /restaurants/{}/tables/{}",
    "get /restaurants/{}/reports/{}",
    "post /v1/atomic/batch",
    "get /sync/full",
    "get /sync/delta",
    "post /sync/batch",
    "post /pairing",
    "get /pairing",
    "get /devices",
    "post /devices",
    "post /adoptions",
    "post /invitations",
    "patch /devices/{}",
    "delete /devices/{}",
    "get /access",
    "put /access",
    "get /audit",
    "get /staff",
    "post /staff",
    "patch /staff/{}",
    "delete /staff/{}",
    "get /sign-in",
    "post /sign-in",
    "delete /sign-in",
    "post /step-up",
    "get /made",
    "post /restaurants/{}/people",
    "post /restaurants/{}/erasures",
    "get /restaurants/{}/erasures/{}",
    "get /sync/health",
    "get /health",
]


def asked(hub: Hub) -> Asked:
    """One good answer, and some refusals, of every route that speaks JSON."""
    place = hub.new_restaurant()
    with hub.client() as api:
        yield from _of_the_floor(api, place)
        yield from _of_sync(api, place)
    with manager(hub) as trusted, person(hub, "Carla", "manager", PIN) as carla:
        ids = Linked(hub, trusted, "", carla)
        yield from _of_access(trusted, ids)
        yield from _of_staff(trusted, ids)
        yield from _of_people(trusted, ids)


def _of_the_floor(api: httpx.Client, place: int) -> Asked:
    root = f"/restaurants/{place}"
    guest: Json = {"name": "Rossi", "partySize": 2}
    table = new_table(api, place, id="t1")
    new_guest(api, place, id="g1", tableId="t1", reservationTime="2030-01-15T19:30:00+01:00")
    yield "get /restaurants", api.get("/restaurants")
    yield "post /restaurants", api.post("/restaurants", json={"name": "Osteria", "timezone": "Europe/Rome"})
    yield "get /restaurants/{}", api.get(root)
    yield "put /restaurants/{}", api.put(root, json={"name": "Osteria"})
    yield "patch /restaurants/{}", api.patch(root, json={"timezone": "Europe/Berlin"})
    yield "delete /restaurants/{}", api.delete(root)
    yield (
        "delete /restaurants/{}",
        api.delete(f"/restaurants/{ok(api.post('/restaurants', json={'name': 'Bar'}), 201)['id']}"),
    )
    yield "get /restaurants/{}/guests", api.get(f"{root}/guests/", params={"status": "confirmed", "limit": 1})
    yield "post /restaurants/{}/guests", api.post(f"{root}/guests/", json=guest)
    yield "post /restaurants/{}/guests", api.post(f"{root}/guests/", json={**guest, "tableId": "t1"})
    yield "get /restaurants/{}/guests/{}", api.get(f"{root}/guests/g1")
    yield "get /restaurants/{}/guests/{}", api.get(f"{root}/guests/nobody")
    yield "put /restaurants/{}/guests/{}", api.put(f"{root}/guests/g1", json={"notes": "x", "tags": ["a"]})
    yield "patch /restaurants/{}/guests/{}", api.patch(f"{root}/guests/g1", json={"arrivedCount": 1})
    yield "patch /restaurants/{}/guests/{}", api.patch(f"{root}/guests/g1", json={"partySize": 0, "x": 1})
    yield "put /restaurants/{}/guests/{}/status/atomic", api.put(f"{root}/guests/g1/status/atomic?new_status=seated")
    yield "get /restaurants/{}/tables", api.get(f"{root}/tables/")
    yield "post /restaurants/{}/tables", api.post(f"{root}/tables/", json={"tableNumber": "2", "capacity": 1})
    yield "get /restaurants/{}/tables/{}", api.get(f"{root}/tables/t1")
    yield "put /restaurants/{}/tables/{}", api.put(f"{root}/tables/t1", json={**table, "rotation": 12.5})
    yield "patch /restaurants/{}/tables/{}", api.patch(f"{root}/tables/t1", json={"section": "Patio"})
    yield "delete /restaurants/{}/tables/{}", api.delete(f"{root}/tables/t1")
    yield "delete /restaurants/{}/tables/{}", api.delete(f"{root}/tables/{new_table(api, place, '3')['id']}")


def _of_sync(api: httpx.Client, place: int) -> Asked:
    root, guest = f"/restaurants/{place}", {"name": "Rossi", "partySize": 2}
    steps = [op("guest", "create", **guest), op("guest", "update", "g1", notes="y"), op("table", "delete", "t9")]
    yield "post /v1/atomic/batch", api.post(BATCH, json={"restaurant_id": place, "operations": steps[:2]})
    yield "post /v1/atomic/batch", api.post(BATCH, json={"restaurant_id": place, "operations": steps})
    yield "post /sync/batch", api.post(f"{SYNC_BATCH}?restaurant_id={place}", json={"updates": [*steps, 5]})
    yield "get /sync/full", api.get("/api/sync/full", params={"restaurant_id": place})
    yield "get /sync/delta", api.get("/api/sync/delta", params={"restaurant_id": place, "since_revision": 0})
    yield "get /sync/delta", api.get("/api/sync/delta", params={"restaurant_id": place, "since_revision": 99999})
    yield "delete /restaurants/{}/guests/{}", api.delete(f"{root}/guests/g1")
    yield "get /made", api.get("/api/made?from=127.0.0.1&since=2024-01-15T10:30:00Z")
    yield "get /health", api.get("/health")
    yield "get /sync/health", api.get("/api/sync/health")


def _of_access(api: httpx.Client, ids: Linked) -> Asked:
    token_sha256, device = {"token_sha256": ids.token_sha256}, {"name": "Host stand", "role": "host"}
    yield "post /pairing", api.post("/api/pairing", json=token_sha256)
    yield "get /pairing", api.get("/api/pairing")
    yield "get /devices", api.get("/api/devices")
    yield "post /devices", api.post("/api/devices", json={**device, "code": "nobody shows this"})
    yield "post /devices", api.post("/api/devices", json={**device, "code": ids.code})
    yield "post /invitations", api.post("/api/invitations", json=device)
    yield "post /adoptions", api.post("/api/adoptions", json={**device, "visitor": ids.visitor})
    yield "patch /devices/{}", api.patch(f"/api/devices/{ids.device_id}", json={"role": "view"})
    yield "delete /devices/{}", api.delete(f"/api/devices/{ids.device_id}")
    yield "delete /devices/{}", api.delete("/api/devices/nobody")
    yield "get /access", api.get("/api/access")
    yield "put /access", api.put("/api/access", json={"access": "open"})
    yield "get /audit", api.get("/api/audit", params={"restaurant_id": 1, "limit": 5})


def _of_staff(api: httpx.Client, ids: Linked) -> Asked:
    anna, path = {"name": "Anna", "role": "host", "pin": PIN}, f"/api/staff/{ids.person_id}"
    yield "get /staff", api.get("/api/staff")
    yield "post /staff", api.post("/api/staff", json=anna)
    yield "post /staff", api.post("/api/staff", json=anna)
    yield "patch /staff/{}", api.patch(path, json={"role": "manager"})
    yield "delete /staff/{}", api.delete(path)
    headers = bearer(ids.another().device["token"])
    yield "post /sign-in", api.post("/api/sign-in", json=typed(ids.manager_id, PIN), headers=headers)
    yield "post /step-up", api.post("/api/step-up", json=typed(ids.manager_id, "0000"), headers=headers)
    yield "post /step-up", api.post("/api/step-up", json=typed(ids.manager_id, PIN), headers=headers)
    yield "get /sign-in", api.get("/api/sign-in", headers=headers)
    yield "delete /sign-in", api.delete("/api/sign-in", headers=headers)


def _of_people(api: httpx.Client, ids: Linked) -> Asked:
    known_by = {"id": ids.guest_id}
    yield "post /restaurants/{}/people", api.post("/restaurants/1/people", json=known_by)
    yield "post /restaurants/{}/people", api.post("/restaurants/1/people", json={})
    yield "post /restaurants/{}/erasures", api.post("/restaurants/1/erasures", json=known_by)
    yield "get /restaurants/{}/erasures/{}", api.get(f"/restaurants/1/erasures/{ids.erasure_id}")
    yield "get /restaurants/{}/reports/{}", api.get("/restaurants/1/reports/latest")
    yield "get /restaurants/{}/reports/{}", api.get("/restaurants/1/reports/yesterday")
