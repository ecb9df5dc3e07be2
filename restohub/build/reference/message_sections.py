"""The messages of the sockets in the reference: the structs, what each says, and their examples."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
from markupsafe import Markup
from msgspec import Struct, inspect

from restohub.wire import messages

from .examples import Examples
from .markup import code, inline, link
from .schema_tables import inspected_type

NAMED: tuple[str, ...] = get_args(messages.NamedType)
CAPTIONS = {
    "connection_established for all": "On a `/realtime` for all restaurants:",
    "connection_established of a closed hub": "On a closed hub, before the client has shown its token:",
    "connection_established resumed": "After a resume:",
    "delta_update compacted": "After a gap, several commits in one, each entity once as it is now:",
    "delta_update of nothing": "The answer to a `request_delta` where nothing was missed:",
}
# Schemas that occur only inside messages; the others are shown with the routes whose bodies they are.
INNER: tuple[type[Struct], ...] = (messages.RevisionOf, messages.FloorData)


def message_structs() -> tuple[type[Struct], ...]:
    """Every struct of a message that the hub sends."""
    found = [one for one in vars(messages).values() if isinstance(one, type) and issubclass(one, Struct)]
    return tuple(one for one in found if one.__module__ == messages.__name__ and types_of(one))


def types_of(struct: type[Struct]) -> tuple[str, ...]:
    """The values of a struct's `type`; none where it is no message."""
    info = inspected_type(struct)
    assert isinstance(info, inspect.StructType)
    if info.tag_field == "type":
        return (str(info.tag),)
    return NAMED if struct is messages.NamedChange else ()


def message_struct(message: bytes) -> str:
    """The struct of a message, by name."""
    type_ = msgspec.json.decode(message)["type"]
    return next(struct.__name__ for struct in message_structs() if type_ in types_of(struct))


def message_rows(asyncapi: dict[str, Any]) -> list[tuple[Markup, ...]]:
    """Every message of the AsyncAPI document: who says it, on which socket, and what it is."""
    rows: list[tuple[Markup, ...]] = []
    for name, one in asyncapi["components"]["messages"].items():
        of_client = name.startswith("client_")
        target = "#client-messages" if of_client else f"#message-{name}"
        where = code("/realtime") if name in NAMED else Markup("both")
        who = Markup("client" if of_client else "hub")
        rows.append((link(target, code(one["name"])), who, where, inline(one["summary"])))
    return rows


def message_examples(examples: Examples, type_: str) -> list[tuple[str, bytes]]:
    """The examples of a message type, the plain one first: caption ("" where it needs none) and message."""
    named = sorted((one for one in examples.messages if one.split(" ")[0] == type_), key=lambda name: " " in name)
    return [(CAPTIONS.get(name, ""), examples.messages[name]) for name in named]
