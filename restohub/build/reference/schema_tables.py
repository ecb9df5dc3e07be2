"""The tables of fields in the reference: the type, the limits and the note of each field of a struct."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, get_args, get_origin

from markupsafe import Markup
from msgspec import NODEFAULT, Struct, inspect

from restohub.web.route import Route
from restohub.wire.entities import Guest, Restaurant, Table
from restohub.wire.inputs import GuestInput, RestaurantInput, TableInput
from restohub.wire.request_schemas import NewGuest, NewRestaurant, NewTable

from .markup import code, inline, joined, link

INTEGER_MAX = 2**53 - 1
# Schemas with sections of their own.
ENTITIES = {"Guest": "guest", "Table": "table", "Restaurant": "restaurant"}
# Schemas of the fields that a client sends.
FILLS: dict[type[Struct], type[Struct]] = {
    NewGuest: Guest,
    GuestInput: Guest,
    NewTable: Table,
    TableInput: Table,
    NewRestaurant: Restaurant,
    RestaurantInput: Restaurant,
}


@cache
def inspected_type(type_: Any) -> inspect.Type:
    """A type as msgspec reads it; read once, since each reading goes through all that it contains."""
    return inspect.type_info(type_)


def words(kind: inspect.Type) -> Markup:
    """A type as HTML that a person can read."""
    match kind:
        case inspect.Metadata(type=inner, extra_json_schema=schema):
            return _annotated(inner, schema or {})
        case inspect.UnionType(types=several):
            fractional = any(isinstance(one, inspect.FloatType) for one in several)
            shown = [one for one in several if not (fractional and isinstance(one, inspect.IntType))]
            return joined(map(words, shown), " or ")
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return _list(kind, item)
        case inspect.DictType(value_type=value):
            return Markup("object, each value a {}").format(words(value))
        case inspect.StructType(cls=struct):
            return type_link(struct.__name__)
        case inspect.LiteralType(values=values):
            return joined(code(str(value)) for value in values)
        case inspect.StrType():
            return _text(kind)
        case inspect.IntType(ge=least, le=most):
            return Markup("whole number") + _range(least, most)
        case inspect.FloatType(ge=least, le=most):
            return Markup("number") + _range(least, most)
    return PLAIN[type(kind)]


PLAIN: dict[type, Markup] = {
    inspect.NoneType: code("null"),
    inspect.BoolType: Markup("true or false"),
    inspect.AnyType: Markup("any"),
}


def _annotated(inner: inspect.Type, schema: Mapping[str, Any]) -> Markup:
    if schema.get("format") == "date-time":
        return Markup("time")
    if "anyOf" in schema:
        several = schema["anyOf"]
        return joined(
            (type_link(one["$ref"].rpartition("/")[2]) if "$ref" in one else code(one["type"]) for one in several),
            " or ",
        )
    return words(inner)


def _list(kind: Any, item: inspect.Type) -> Markup:
    count = f"at most {kind.max_length} " if kind.max_length else ""
    if kind.min_length:
        count = f"{kind.min_length} … {kind.max_length} "
    each = f" of at most {item.max_length} characters" if isinstance(item, inspect.StrType) and item.max_length else ""
    items = Markup(f"texts{each}") if isinstance(item, inspect.StrType) else words(item)
    return Markup("list of {}{}").format(count, items)


def _text(kind: inspect.StrType) -> Markup:
    if kind.pattern and "A-Za-z0-9" in kind.pattern:
        return link("#ids", Markup("id"))
    if kind.pattern:
        return Markup("text, 1 … 200 printable ASCII characters")
    if kind.max_length is None:
        return Markup("text")
    least = f"{kind.min_length} … " if kind.min_length else "at most "
    return Markup(f"text, {least}{kind.max_length:,} characters")


def _range(least: int | float | None, most: int | float | None) -> str:
    if least is None:
        return ""
    if most is None or most == INTEGER_MAX:
        return f" from {least:,}"
    return f" {least:,} … {most:,}".replace("-", "−")


def type_link(name: str) -> Markup:
    """The name of a struct, linked to its table."""
    return link(f"#{ENTITIES.get(name, f'type-{name}')}", code(name))


def body_words(body: Any) -> Markup:
    """The type of a route's body or answer as HTML."""
    return words(inspected_type(body))


def type_name(body: Any) -> str:
    """The type of a body in one plain word or three, as the examples carry it."""
    return f"list of {get_args(body)[0].__name__}" if get_origin(body) is list else str(body.__name__)


def note_of(field: inspect.Field) -> str:
    """What the struct itself says of a field."""
    kind = field.type
    return str((kind.extra_json_schema or {}).get("description", "")) if isinstance(kind, inspect.Metadata) else ""


def fields_of(struct: type[Struct]) -> tuple[inspect.Field, ...]:
    """The fields of a struct."""
    info = inspected_type(struct)
    assert isinstance(info, inspect.StructType)
    return info.fields


def field_rows(struct: type[Struct]) -> list[tuple[Markup, ...]]:
    """Every field of a struct, its tag first: name, type and, where any has one, note. `?`: it may be missing."""
    info = inspected_type(struct)
    assert isinstance(info, inspect.StructType)
    nothing = Markup()
    rows = [(code(info.tag_field), code(str(info.tag)), nothing)] if info.tag_field else []
    for field in info.fields:
        # A field with a default is always present in an answer; only one without may be missing.
        absent = not field.required and field.default is NODEFAULT
        rows.append((code(field.encode_name) + ("?" if absent else ""), words(field.type), inline(note_of(field))))
    return [*rows] if any(note for _, _, note in rows) else [row[:2] for row in rows]


def query_rows(route: Route) -> list[tuple[Markup, ...]]:
    """The query parameters of a route: name, type and note."""
    return [(code(one.name), Markup(_schema_words(one.schema)), inline(one.detail)) for one in route.query]


def _schema_words(schema: dict[str, Any]) -> str:
    if schema["type"] != "integer":
        return "time" if schema.get("format") == "date-time" else "text"
    most = schema.get("maximum", INTEGER_MAX)
    bounds = f"from {schema.get('minimum', 0)}" if most == INTEGER_MAX else f"{schema.get('minimum', 0)} … {most:,}"
    return f"whole number {bounds}"


def own_docstring(struct: type[Struct]) -> str:
    """What a struct says of itself."""
    return " ".join((struct.__doc__ or "").split())


def filled_entity(struct: type[Struct]) -> Markup | None:
    """The entity that a client fills by sending this struct, as a link."""
    entity = FILLS.get(struct)
    return None if entity is None else link("#" + ENTITIES[entity.__name__], Markup(entity.__name__))


def own_fields(struct: type[Struct]) -> list[tuple[Markup, Markup]]:
    """The fields of a struct that the entity which it fills has not: name and type."""
    known = {field.encode_name for field in fields_of(FILLS[struct])}
    more = [field for field in fields_of(struct) if field.encode_name not in known]
    return [(code(field.encode_name), words(field.type)) for field in more]


def entity_rows(out: type[Struct], taken: type[Struct], notes: Mapping[str, str]) -> list[tuple[Markup, ...]]:
    """The fields of an entity: its type with the limits that hold on the way in, whether a client may set it."""
    incoming = {field.encode_name: field.type for field in fields_of(taken)}
    rows: list[tuple[Markup, ...]] = []
    for field in fields_of(out):
        name = field.encode_name
        kind = words(_limited(field.type, incoming[name])) if name in incoming else words(field.type)
        mark = Markup("" if name in incoming else ' <span class="mark">read-only</span>')
        rows.append((code(name) + mark, kind, inline(notes.get(name) or note_of(field))))
    return rows


def _limited(out: inspect.Type, taken: inspect.Type) -> inspect.Type:
    """The incoming type, without the null that an outgoing field never has."""
    bare = out.type if isinstance(out, inspect.Metadata) else out
    nullable = isinstance(bare, inspect.UnionType)
    if isinstance(taken, inspect.UnionType) and not nullable:
        return inspect.UnionType(tuple(one for one in taken.types if not isinstance(one, inspect.NoneType)))
    return taken


def structs_in(bodies: Iterable[Any]) -> list[type[Struct]]:
    """Every struct that these types reach, each once, in the order in which a reader meets them."""
    found: dict[type[Struct], None] = {}
    for body in bodies:
        for struct in _reached(inspected_type(body)):
            found.setdefault(struct)
    return list(found)


def _reached(kind: inspect.Type) -> Iterator[type[Struct]]:
    match kind:
        case inspect.StructType(cls=struct, fields=fields):
            yield struct
            for field in fields:
                yield from _reached(field.type)
        case inspect.UnionType(types=several):
            for one in several:
                yield from _reached(one)
        case inspect.ListType(item_type=inner) | inspect.VarTupleType(item_type=inner) | inspect.Metadata(type=inner):
            yield from _reached(inner)
