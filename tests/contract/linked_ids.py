"""What a generated request names: things that are there, each made on the hub when a request asks for it."""

from __future__ import annotations

from functools import cached_property
from itertools import count
from secrets import token_urlsafe

import httpx

from tests.access.closed_hub import bearer, hash_of, typed
from tests.attack.stranger import client
from tests.conftest import Hub
from tests.contract.answers import Json, ok
from tests.contract.requests import new_guest, new_table, patch_guest

NUMBERS = count(1_000)
PIN = "4711"


def new_token() -> str:
    """A token as a new device makes it."""
    return f"rsto_{token_urlsafe(32)}"


class Linked:
    """What one request may name, its own: it may be changed, taken or deleted. `api` asks as the hub's own machine."""

    date = "latest"

    def __init__(self, hub: Hub, api: httpx.Client, route: str, manager_id: str) -> None:
        self.hub = hub
        self.api = api
        self.route = route
        self.manager_id = manager_id

    def another(self) -> Linked:
        """As much again, for another entry of the same request."""
        return Linked(self.hub, self.api, self.route, self.manager_id)

    @cached_property
    def restaurant_id(self) -> int:
        if self.route != "delete /restaurants/{}":
            return 1
        return int(ok(self.api.post("/restaurants", json={"name": "Trattoria"}), 201)["id"])

    @cached_property
    def guest(self) -> Json:
        return new_guest(self.api, self.restaurant_id)

    @cached_property
    def table(self) -> Json:
        return new_table(self.api, self.restaurant_id, str(next(NUMBERS)), capacity=100)

    @property
    def guest_id(self) -> str:
        return str(self.guest["id"])

    @property
    def table_id(self) -> str:
        return str(self.table["id"])

    @cached_property
    def erasure_id(self) -> str:
        return str(ok(self.api.post("/restaurants/1/erasures", json={"id": self.guest_id}), 202)["id"])

    @cached_property
    def person_id(self) -> str:
        person = {"name": f"Anna {next(NUMBERS)}", "role": "host", "pin": PIN}
        return str(ok(self.api.post("/api/staff", json=person), 201)["id"])

    @cached_property
    def token_sha256(self) -> str:
        return hash_of(new_token())

    @cached_property
    def code(self) -> str:
        """What a device shows that waits to be let in."""
        return str(ok(self.api.post("/api/pairing", json={"token_sha256": self.token_sha256}), 201)["code"])

    @property
    def invitation(self) -> str:
        body = {"name": "Host stand", "role": "host"}
        return str(ok(self.api.post("/api/invitations", json=body), 201)["invitation"])

    @cached_property
    def device(self) -> Json:
        """A device of a host, with its token."""
        token = new_token()
        body = {"token_sha256": hash_of(token), "invitation": self.invitation}
        return {**ok(self.api.post("/api/pairing", json=body), 201)["device"], "token": token}

    @property
    def device_id(self) -> str:
        return str(self.device["id"])

    @cached_property
    def token(self) -> str:
        """The token of a device, on which somebody is signed in unless that is what is asked for."""
        if self.route.startswith("post"):
            return str(self.device["token"])
        with self.hub.client(headers=bearer(self.device["token"])) as there:
            ok(there.post("/api/sign-in", json=typed(self.manager_id, PIN)))
        return str(self.device["token"])

    @cached_property
    def visitor(self) -> str:
        """Who was here without a token, at an address of his own."""
        number = next(NUMBERS)
        address = f"127.0.{number // 250}.{number % 250 + 1}"
        with client(self.hub, address) as stranger:
            patch_guest(stranger, 1, self.guest_id, notes=address)
        listed = ok(self.api.get("/api/access"))["unpaired"]
        return str(next(one["id"] for one in listed if one["address"] == address))
