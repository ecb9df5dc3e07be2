"""How the model's requests go over the wire: whole, cut off in the middle, or sent and never read."""

from __future__ import annotations

import json
import socket
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from tests.conftest import WAIT_S, Hub

Body = dict[str, Any]
Wire = tuple[str, str, Any, dict[str, str]]


class ModelClient:
    """One client of one restaurant, over a connection that is kept for as long as the hub lives."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.restaurant_id = 0
        self.connection = HTTPConnection("127.0.0.1", hub.port, timeout=30)

    def open_restaurant(self) -> None:
        """Take a new, empty restaurant."""
        _, body = self.get("/restaurants", method="POST", body={"name": "Modello", "timezone": "Europe/Rome"})
        self.restaurant_id = body["id"]

    def get(self, path: str, *, method: str = "GET", body: Any = None) -> tuple[HTTPResponse, Any]:
        """A request and its answer as JSON."""
        return self.exchange((method, path, body, {}))

    def exchange(self, wire: Wire) -> tuple[HTTPResponse, Any]:
        """Send a request and read its answer."""
        method, path, body, headers = wire
        self.connection.request(method, path, *_encoded(body, headers))
        answer = self.connection.getresponse()
        text = answer.read()
        return answer, json.loads(text) if text else {}

    def wire(self, verb: str, request: Body, key: str | None) -> Wire:
        """A request of the model as method, path, body and headers."""
        headers = {} if key is None else {"Idempotency-Key": key}
        if verb == "batch":
            return "POST", f"/api/v1/atomic/batch?restaurant_id={self.restaurant_id}", request, headers
        if verb == "queue":
            return "POST", f"/api/sync/batch?restaurant_id={self.restaurant_id}", request, headers
        path = f"/restaurants/{self.restaurant_id}/{request['entity_type']}s/"
        if verb == "create":
            return "POST", path, request["data"] | {"id": request["entity_id"]}, headers
        if request.get("if_match"):
            headers["If-Match"] = ", ".join(f'"{version}"' for version in request["if_match"])
        path += request["entity_id"] + ("/status/atomic" if verb == "seat" else "")
        method = {"update": "PATCH", "seat": "PUT", "delete": "DELETE"}[verb]
        return method, path, request.get("data"), headers

    def cut(self, wire: Wire, kept: float) -> None:
        """Send so much of a request (a share of its bytes) over a connection of its own, and hang up."""
        method, path, body, headers = wire
        payload, more = _encoded(body, headers)
        lines = [f"{method} {path} HTTP/1.1", "Host: hub", f"Content-Length: {len(payload or b'')}"]
        lines += [f"{name}: {value}" for name, value in more.items()]
        whole = "\r\n".join(lines).encode() + b"\r\n\r\n" + (payload or b"")
        with socket.create_connection(("127.0.0.1", self.hub.port), timeout=WAIT_S) as way:
            way.sendall(whole[: int(len(whole) * kept)])

    def restart(self) -> None:
        """Kill the hub as a power switch would, and start it over the same folder."""
        self.connection.close()
        self.hub.kill()
        self.hub.start()


def _encoded(body: Any, headers: dict[str, str]) -> tuple[bytes | None, dict[str, str]]:
    if body is None:
        return None, headers
    return json.dumps(body).encode(), {**headers, "Content-Type": "application/json"}
