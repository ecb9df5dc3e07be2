"""The AsyncAPI 3 document: both sockets, every message on them, and the codes that they close with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from restohub.web.routes import ID, INTEGER, TEXT
from restohub.wire import messages

from .descriptions import CLOSES
from .golden_files import Fixture
from .json_schemas import PREFIX, Schema, component_schemas
from .message_sections import NAMED

Golden = Mapping[Fixture, bytes]

# The messages of both sockets, in the order in which a client meets them.
SPOKEN = (
    messages.ConnectionEstablished,
    messages.FullSync,
    messages.DeltaUpdate,
    messages.AtomicTransactionComplete,
    messages.RestaurantUpdated,
    messages.RestaurantDeleted,
    messages.Ping,
    messages.Pong,
    messages.ErrorMessage,
)
# The messages of /realtime alone.
OF_REALTIME = {*NAMED, "restaurant_deleted"}
QUERY: dict[str, Schema] = {
    "since_revision": {**INTEGER, "description": "The revision that the client has: what it missed comes first."},
    "epoch": {**TEXT, "description": "The epoch that the revision is of, from `connection_established`."},
}
SOCKETS: dict[str, tuple[str, str, Schema]] = {
    "restaurantSync": (
        "/ws/restaurant/sync",
        "One restaurant: its whole floor, or what the client missed, then every commit.",
        {**ID, "default": 1, "description": "The restaurant."},
    ),
    "realtime": (
        "/realtime",
        "Every commit, of one restaurant or of all; a plain change under its own name.",
        {**ID, "description": "The restaurant; without it all of the hub. `since_revision` needs it."},
    ),
}
ASKED = {**ID, "description": "Needed on a /realtime for all restaurants."}
DEVICE = "device"
BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": (
        "The token of a paired device, in the handshake; or in `auth`, the first message of a client that can send no "
        "headers. A closed hub asks for it, an open one does not."
    ),
}
REQUESTS: dict[str, tuple[str, dict[str, Schema]]] = {
    "auth": (
        "The token of the device, where it cannot come as a header of the handshake (browsers). A closed hub "
        "waits for it for 5 s; an open hub takes it in silence.",
        {"token": {**TEXT, "description": "The device's own, as it was paired."}},
    ),
    "ping": ("Are you there? The hub answers with a `pong` at once.", {}),
    "pong": ("The answer to the hub's `ping`.", {}),
    "request_full_sync": ("Send the whole floor: a `full_sync` follows.", {"restaurant_id": ASKED}),
    "request_delta": (
        "Send what was missed: a `delta_update`, or the `full_sync` where the log does not reach back that far.",
        {"restaurant_id": ASKED, "since_revision": {**INTEGER, "description": "The revision that the client has."}},
    ),
}


def asyncapi_document(version: str, golden: Golden) -> dict[str, Any]:
    """The document as plain values; `version` is the hub's release, `golden` the golden files, which are examples."""
    _, schemas = component_schemas([*SPOKEN, messages.NamedChange])
    requests = {f"client_{name}": _request(name, *of, golden) for name, of in REQUESTS.items()}
    spoken = {_tag(struct): _message(_tag(struct), struct, golden) for struct in SPOKEN}
    spoken |= {name: _message(name, messages.NamedChange, golden) for name in NAMED}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "restohub",
            "version": version,
            "description": (
                "The two sockets of a hub. It sends and receives as told here: what it sends, a client receives. "
                "/docs explains how to stay in step; /schema/openapi.json has the HTTP routes."
            ),
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "hub": {
                "host": "{host}:{port}",
                "protocol": "ws",
                "description": "The hub on the restaurant's network; mDNS finds it as `_restohub._tcp`.",
                "variables": {
                    "host": {"default": "restohub.local", "description": "Its address or name."},
                    "port": {"default": "8000", "description": "Its port."},
                },
                "security": [{"$ref": f"#/components/securitySchemes/{DEVICE}"}],
            }
        },
        "channels": {name: _channel(name, [*spoken, *requests]) for name in SOCKETS},
        "operations": {
            **{f"{name}Out": _operation("send", name, spoken) for name in SOCKETS},
            **{f"{name}In": _operation("receive", name, requests) for name in SOCKETS},
        },
        "components": {
            "messages": {**spoken, **requests},
            "schemas": _less_discriminators(schemas),
            "securitySchemes": {DEVICE: BEARER},
        },
    }


def _tag(struct: Any) -> str:
    return str(struct.__struct_config__.tag)


def _on(socket: str, names: Any) -> list[str]:
    """Those of the messages that a socket has."""
    return [name for name in names if socket == "realtime" or name not in OF_REALTIME]


def _channel(name: str, said: list[str]) -> dict[str, Any]:
    address, about, restaurant = SOCKETS[name]
    closes = "".join(f"\n- {code}: {when} {then}" for code, when, then in CLOSES)
    query = {"restaurant_id": restaurant, **QUERY}
    return {
        "address": address,
        "description": f"{about}\n\nThe hub closes it with:\n{closes}",
        "messages": {one: {"$ref": f"#/components/messages/{one}"} for one in _on(name, said)},
        "bindings": {"ws": {"method": "GET", "query": {"type": "object", "properties": query}}},
        "x-close-codes": [{"code": code, "when": when, "then": then} for code, when, then in CLOSES],
    }


def _operation(action: str, socket: str, said: Any) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{socket}"},
        "messages": [{"$ref": f"#/channels/{socket}/messages/{one}"} for one in _on(socket, said)],
    }


def _message(name: str, struct: Any, golden: Golden) -> dict[str, Any]:
    payload: Schema = {"$ref": PREFIX + struct.__name__}
    if name in NAMED:
        payload = {"allOf": [payload, {"type": "object", "properties": {"type": {"const": name}}}]}
    examples = [
        {"summary": one.shows, "payload": value}
        for one, body in golden.items()
        if one.file.startswith("messages/") and (value := msgspec.json.decode(body))["type"] == name
    ]
    return {"name": name, "summary": " ".join(struct.__doc__.split()), "payload": payload, "examples": examples}


def _request(name: str, about: str, fields: dict[str, Schema], golden: Golden) -> dict[str, Any]:
    required = ["type", *(field for field in fields if field in ("since_revision", "token"))]
    payload = {"type": "object", "properties": {"type": {"const": name}, **fields}, "required": required}
    sent = next(body for one, body in golden.items() if one.file == f"client-messages/{name}.json")
    examples = [{"payload": msgspec.json.decode(sent)}]
    return {"name": name, "summary": about, "payload": payload, "examples": examples}


def _less_discriminators(node: Any) -> Any:
    """Without OpenAPI's form of them, which AsyncAPI has not: each branch says its own `entity_type`."""
    if isinstance(node, list):
        return [_less_discriminators(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: _less_discriminators(value) for key, value in node.items() if key != "discriminator"}
