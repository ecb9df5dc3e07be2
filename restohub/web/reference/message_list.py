"""This file is the messages of the sockets in the reference: one section a type, with its fields and examples."""

from __future__ import annotations

from typing import get_args

import msgspec
from msgspec import Struct, inspect

from restohub.web.asyncapi import NAMED, document
from restohub.wire import messages

from .described import fields_table, says_of, struct_section, told_type
from .examples import Examples
from .markup import code, inline, json_block, link, table

CAPTIONS = {
    "connection_established for all": "On a `/realtime` for all restaurants:",
    "connection_established resumed": "After a resume:",
    "delta_update compacted": "After a gap, several commits in one, each entity once as it is now:",
    "delta_update of nothing": "The answer to a `request_delta` where nothing was missed:",
}
# Stand inside messages alone; the bodies of the routes tell of the others.
INNER: tuple[type[Struct], ...] = (messages.RevisionOf, messages.FloorData)


def message_structs() -> tuple[type[Struct], ...]:
    """Every struct of a message that the hub sends."""
    found = [one for one in vars(messages).values() if isinstance(one, type) and issubclass(one, Struct)]
    return tuple(one for one in found if one.__module__ == messages.__name__ and _types(one))


def _types(struct: type[Struct]) -> tuple[str, ...]:
    """The values of a struct's `type`; none where it is no message."""
    info = told_type(struct)
    assert isinstance(info, inspect.StructType)
    if info.tag_field == "type":
        return (str(info.tag),)
    return get_args(messages.NamedType) if struct is messages.NamedChange else ()


def told(message: bytes) -> str:
    """The struct of a message, by name."""
    type_ = msgspec.json.decode(message)["type"]
    return next(struct.__name__ for struct in message_structs() if type_ in _types(struct))


def message_table() -> str:
    """Every message of the AsyncAPI document: who says it, on which socket, and what it is."""
    rows = []
    for name, one in document("")["components"]["messages"].items():
        of_client = name.startswith("client_")
        target = "#client-messages" if of_client else f"#message-{name}"
        where = code("/realtime") if name in NAMED else "both"
        rows.append((link(target, code(one["name"])), "client" if of_client else "hub", where, inline(one["summary"])))
    return table("All messages", ("Message", "Of", "Socket", "What"), rows)


def message_sections(examples: Examples) -> str:
    """Every message type, its fields, its examples; then what stands inside them alone."""
    sections = [_section(struct, examples) for struct in message_structs()]
    return "\n".join([*sections, *map(struct_section, INNER)])


def _section(struct: type[Struct], examples: Examples) -> str:
    types = _types(struct)
    anchors = "".join(f'<span id="message-{one}"></span>' for one in types[1:])
    names = ", ".join(map(code, types))
    shown = "".join(_examples(type_, struct, examples) for type_ in types)
    return f'<h4 id="message-{types[0]}">{names}{anchors}</h4>\n<p>{says_of(struct)}</p>\n{fields_table(struct)}{shown}'


def _examples(type_: str, struct: type[Struct], examples: Examples) -> str:
    named = [name for name in examples.messages if name.split(" ")[0] == type_]
    named.sort(key=lambda name: " " in name)
    return "".join(
        (f"<p>{inline(CAPTIONS[name])}</p>\n" if name in CAPTIONS else "")
        + json_block(examples.messages[name], struct.__name__)
        for name in named
    )
