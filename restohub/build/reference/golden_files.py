"""The golden files, made from the examples: listed in an index, and packed into one zip file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, cast
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import msgspec
from msgspec import Struct, structs

from restohub.web.routes import ROUTES
from restohub.wire.error_codes import CODES
from restohub.wire.messages import AtomicTransactionComplete, DeltaUpdate, FloorData, FullSync, encode
from restohub.wire.problems import ProblemDocument
from restohub.wire.responses import Health
from restohub.wire.responses import encode as encode_answer

from .descriptions import CLOSES, HAPPENS
from .examples import CLIENT_MESSAGES, DATABASE, Examples
from .message_sections import CAPTIONS, message_struct, message_structs
from .sample_hub import Exchange
from .schema_tables import own_docstring, type_name

README = """\
# Golden files

What a hub really says, one JSON file for each request, answer, error and message: for the tests of an app.
`index.json` lists them with the type of each (as `/schema/openapi.json` and `/schema/asyncapi.json` name it) and what
it shows. Ids, times, the epoch and sizes are made up and always the same.

"""


class Fixture(Struct, frozen=True, omit_defaults=True):
    """One golden file: its path, the type of its JSON, what it shows, and of an answer what was asked."""

    file: str
    type: str
    shows: str
    asked: str = ""
    status: int = 0


def golden_files(examples: Examples) -> dict[Fixture, bytes]:
    """Every golden file with its JSON, in the order of the index."""
    return {one: msgspec.json.format(body, indent=2) + b"\n" for one, body in _all(examples) if body}


def folder(golden: dict[Fixture, bytes]) -> dict[str, bytes]:
    """The golden files by path, with their index and a list for people."""
    listed = msgspec.json.format(msgspec.json.encode(list(golden)), indent=2) + b"\n"
    readme = README + "".join(f"- [{one.file}]({one.file}) ({one.type}): {one.shows}\n" for one in golden)
    files = {one.file: body for one, body in golden.items()}
    return {"README.md": readme.encode(), "index.json": listed, **files}


def archive(files: dict[str, bytes]) -> bytes:
    """Files as one zip file, the same bytes whenever it is made by the same zlib."""
    made = io.BytesIO()
    with ZipFile(made, "w") as zipped:
        for name, content in files.items():
            entry = ZipInfo(f"fixtures/{name}")
            entry.compress_type = ZIP_DEFLATED
            zipped.writestr(entry, content)
    return made.getvalue()


def _all(examples: Examples) -> Iterator[tuple[Fixture, bytes]]:
    for route in ROUTES:
        for number, exchange in enumerate(examples.routes.get(route.name, ()), 1):
            more = f"-{number}" if number > 1 else ""
            asked = f"{exchange.method} {exchange.target}"
            if exchange.body:
                file = f"requests/{route.name}{more}.json"
                yield Fixture(file, type_name(route.body), route.says, asked), exchange.body
            body = route.answers.get(exchange.status, ProblemDocument)
            type_ = "" if body is None else type_name(body)
            file = f"answers/{route.name}-{exchange.status}{more}.json"
            yield Fixture(file, type_, route.says, asked, exchange.status), exchange.answer
    yield _unwell(examples)
    for code, about in CODES.items():
        yield from _error(code, about.status, examples.errors[code])
    yield from _messages(examples)
    for message, says in CLIENT_MESSAGES:
        name = msgspec.json.decode(message)["type"]
        yield Fixture(f"client-messages/{name}.json", "client message", says), message
    closes = [{"code": code, "when": when, "then": then} for code, when, then in CLOSES]
    yield (
        Fixture("close-codes.json", "list of close codes", "The codes that the hub closes sockets with."),
        encode(closes),
    )


def _unwell(examples: Examples) -> tuple[Fixture, bytes]:
    (exchange,) = examples.routes["health"]
    health = msgspec.json.decode(exchange.answer, type=Health)
    database = structs.replace(DATABASE, status="unavailable", free_bytes=0)
    unwell = structs.replace(health, status="unhealthy", reason="the disk is full", database=database)
    says = "A change could not be saved now: `reason` says why."
    return Fixture("answers/health-503.json", "Health", says, "GET /health", 503), encode_answer(unwell)


def _error(code: str, status: int, example: Exchange | bytes) -> Iterator[tuple[Fixture, bytes]]:
    type_ = "ProblemDocument" if status else "ErrorMessage"
    asked, body = (
        (f"{example.method} {example.target}", example.answer) if isinstance(example, Exchange) else ("", example)
    )
    yield Fixture(f"errors/{code}.json", type_, HAPPENS[code], asked, status), body


def _messages(examples: Examples) -> Iterator[tuple[Fixture, bytes]]:
    says = {struct.__name__: own_docstring(struct) for struct in message_structs()}
    for name, message in examples.messages.items():
        caption = f"{CAPTIONS[name].rstrip(':')}. " if name in CAPTIONS else ""
        file = f"messages/{name.replace(' ', '-')}.json"
        yield Fixture(file, message_struct(message), caption + says[message_struct(message)]), message
    for number, message in enumerate(examples.seating, 1):
        type_ = msgspec.json.decode(message)["type"]
        shows = (
            f"Message {number} of {len(examples.seating)} of one seating on /realtime. {says[message_struct(message)]}"
        )
        yield Fixture(f"messages/seating-{number}-{type_}.json", message_struct(message), shows), message
    yield from _parts(examples)


def _parts(examples: Examples) -> Iterator[tuple[Fixture, bytes]]:
    """What a small floor never says: messages in parts, as a large one comes, and a delta that makes up for several."""
    whole = msgspec.json.decode(examples.messages["full_sync"], type=FullSync)
    guests, tables = FloorData(whole.data.guests, []), FloorData([], whole.data.tables)
    shows = "Part {} of 2: keep it until all parts of this revision are there, then replace what you have."
    for part, data in ((1, guests), (2, tables)):
        message = structs.replace(whole, data=data, part=part, parts=2)
        yield Fixture(f"messages/full_sync-part-{part}-of-2.json", "FullSync", shows.format(part)), encode(message)
    kinds: tuple[tuple[str, type[DeltaUpdate | AtomicTransactionComplete]], ...] = (
        ("delta_update compacted", DeltaUpdate),
        ("atomic_transaction_complete", AtomicTransactionComplete),
    )
    shows = "Part {} of 2: keep it until all parts of this revision are there, then apply them together."
    for name, kind in kinds:
        one = cast(Any, msgspec.json.decode(examples.messages[name], type=kind))
        half = (len(one.changes) + 1) // 2
        for part, changes in ((1, one.changes[:half]), (2, one.changes[half:])):
            message = structs.replace(one, changes=changes, part=part, parts=2)
            file = f"messages/{name.split(' ')[0]}-part-{part}-of-2.json"
            yield Fixture(file, kind.__name__, shows.format(part)), encode(message)
