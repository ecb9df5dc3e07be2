"""Apps that cannot pair, and the manager who adopts them, as the tests of adoption meet them."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

import httpx

from tests.access.closed_hub import manager
from tests.attack.stranger import client
from tests.conftest import Hub
from tests.contract.answers import ok

PARTY = {"name": "Rossi", "partySize": 2}


def jwt(exp: int, of: str = "ipad") -> dict[str, str]:
    """The header of an app that signed in formerly, until `exp`."""
    payload = urlsafe_b64encode(json.dumps({"sub": of, "exp": exp}).encode()).rstrip(b"=").decode()
    return {"Authorization": f"Bearer eyJhbGciOiJIUzI1NiJ9.{payload}.c2lnbmF0dXJl"}


def app(hub: Hub, address: str, headers: dict[str, str] | None = None) -> httpx.Client:
    """An app at an address that sends these headers with each request."""
    return client(hub, address, headers=headers or {})


def listed(hub: Hub, address: str) -> list[dict[str, Any]]:
    """What a manager is told of whoever is at an address and belongs to nobody."""
    with manager(hub) as trusted:
        return [one for one in ok(trusted.get("/api/access"))["unpaired"] if one["address"] == address]


def adopt(hub: Hub, visitor: dict[str, Any], role: str = "host", name: str = "iPad") -> dict[str, Any]:
    """The device that a visitor is made."""
    with manager(hub) as trusted:
        body = {"visitor": visitor["id"], "name": name, "role": role}
        return dict(ok(trusted.post("/api/adoptions", json=body), 201))


def adopted(hub: Hub, address: str, headers: dict[str, str] | None = None, role: str = "host") -> dict[str, Any]:
    """The device that came from this address, was refused, and is adopted."""
    with app(hub, address, headers) as api:
        assert api.get("/restaurants/1").status_code == 401
    [visitor, *_] = listed(hub, address) or [{}]
    assert visitor, "whoever is refused is listed"
    return adopt(hub, visitor, role)


def device_of(hub: Hub, device_id: str) -> dict[str, Any]:
    """A device as a manager sees it now."""
    with manager(hub) as trusted:
        return next(one for one in ok(trusted.get("/api/devices"))["devices"] if one["id"] == device_id)
