"""This file is `python -m restohub.build.fixtures`: it makes the golden files anew from what the code says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import msgspec
import typer
from msgspec import structs

from restohub.live.callers import Callers
from restohub.live.epoch import Epoch
from restohub.live.hub import Hub
from restohub.web.fixtures import FOLDER, Fixture
from restohub.web.reference.described import says_plainly, type_name
from restohub.web.reference.examples import CLIENT_MESSAGES, Examples, play
from restohub.web.reference.message_list import CAPTIONS, message_structs, told
from restohub.web.reference.rehearsal import EPOCH, FOUND, PLACE, UPTIME_S, Exchange, RehearsalClock
from restohub.web.reference.words import CLOSES, HAPPENS
from restohub.web.routes import ROUTES
from restohub.wire.answers import DatabaseHealth, Health
from restohub.wire.answers import encode as encode_answer
from restohub.wire.codes import CODES
from restohub.wire.messages import AtomicTransactionComplete, DeltaUpdate, FloorData, FullSync, encode
from restohub.wire.problems import ProblemDocument

VERSION = "0.1.0"
UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
DATABASE = DatabaseHealth("ok", "3.45.1", 65_536, 0, 24_000_000_000, [])
README = """\
# Golden files

What a hub really says, one JSON file for each request, answer, error and message: for the tests of an app.
`index.json` lists them with the type of each (as `/schema/openapi.json` and `/schema/asyncapi.json` name it) and what
it shows. Ids, times, the epoch and sizes are made up and always the same.

"""


async def make() -> dict[str, bytes]:
    """Every golden file by its path, made anew from the code."""
    examples = await play(_paper_hub())
    made = {one: body for one, body in _all(examples) if body}
    ids: dict[bytes, bytes] = {PLACE.id.encode(): PLACE.id.encode()}

    def settled(found: re.Match[bytes]) -> bytes:
        return ids.setdefault(found[0], b"0198c0de-0000-7000-8000-%012d" % len(ids))

    laid_out = {one.file: UUID.sub(settled, msgspec.json.format(body, indent=2)) + b"\n" for one, body in made.items()}
    listed = msgspec.json.format(msgspec.json.encode(list(made)), indent=2) + b"\n"
    readme = README + "".join(f"- [{one.file}]({one.file}) ({one.type}): {one.shows}\n" for one in made)
    return {**laid_out, "index.json": listed, "README.md": readme.encode()}


def write(made: dict[str, bytes], folder: Path) -> None:
    """Put the golden files into a folder, in the place of those that are there."""
    for old in folder.rglob("*.*"):
        old.unlink()
    for name, content in made.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _paper_hub() -> Hub:
    """What the rehearsal takes from a real hub, where there is none."""
    nothing: Any = None
    return Hub(
        version=VERSION, present=Epoch(EPOCH), place=PLACE, folder=Path(), zone="Europe/Rome",
        knows_zone=lambda _: True, clock=RehearsalClock(), callers=Callers(["127.0.0.1"], lambda: 0.0, str),
        writer=nothing, history=nothing, feed=nothing, snapshots=nothing, listings=nothing, discovery=lambda: FOUND,
    )  # fmt: skip


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
            yield Fixture(file, type_, route.says, asked, exchange.status), _settled(exchange)
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


def _settled(exchange: Exchange) -> bytes:
    """An answer without what is this machine's."""
    if not exchange.target.endswith("health"):
        return exchange.answer
    health = msgspec.json.decode(exchange.answer, type=Health)
    return encode_answer(structs.replace(health, uptime_seconds=UPTIME_S, database=DATABASE))


def _unwell(examples: Examples) -> tuple[Fixture, bytes]:
    (exchange,) = examples.routes["health"]
    health = msgspec.json.decode(_settled(exchange), type=Health)
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
    says = {struct.__name__: says_plainly(struct) for struct in message_structs()}
    for name, message in examples.messages.items():
        caption = f"{CAPTIONS[name].rstrip(':')}. " if name in CAPTIONS else ""
        file = f"messages/{name.replace(' ', '-')}.json"
        yield Fixture(file, told(message), caption + says[told(message)]), message
    for number, message in enumerate(examples.seating, 1):
        type_ = msgspec.json.decode(message)["type"]
        shows = f"Message {number} of {len(examples.seating)} of one seating on /realtime. {says[told(message)]}"
        yield Fixture(f"messages/seating-{number}-{type_}.json", told(message), shows), message
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


def fixtures() -> None:
    """Make the golden files of restohub/docs/fixtures anew: after each change of what the hub says."""
    made = asyncio.run(make())
    folder = Path(__file__).parents[1] / FOLDER
    write(made, folder)
    typer.echo(f"{len(made)} files in {folder}")


if __name__ == "__main__":
    typer.run(fixtures)
