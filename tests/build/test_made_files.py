"""Whether what a hub serves is what the code says: golden files, pages and documents, made anew."""

from __future__ import annotations

import io
import json
import os
import re
from functools import cache
from typing import Any, get_args
from zipfile import ZipFile

import httpx
import msgspec
import pytest

from restohub.build.reference.__main__ import make
from restohub.build.reference.descriptions import CLOSES
from restohub.build.reference.examples import CLIENT_MESSAGES
from restohub.build.reference.golden_files import Fixture
from restohub.build.reference.message_sections import message_structs
from restohub.web.package_files import DOCS
from restohub.web.routes import ROUTES
from restohub.wire import messages
from restohub.wire.error_codes import CODES
from tests.build.test_reference import SENT, TYPES, examples

MADE_ANEW = "Run `python -m restohub.build.reference`, and look at what it changed."
ZIP = "made/fixtures.zip"


@cache
def stored(name: str) -> bytes:
    """A golden file by its path."""
    return (DOCS / "fixtures" / name).read_bytes()


FIXTURES = msgspec.json.decode(stored("index.json"), type=list[Fixture])


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    """Every made file of `docs`, made now."""
    return make()


def unpacked(archive: bytes) -> dict[str, bytes]:
    """The files of a zip file."""
    with ZipFile(io.BytesIO(archive)) as zipped:
        assert zipped.testzip() is None
        return {name: zipped.read(name) for name in zipped.namelist()}


@pytest.mark.skipif("RESTOHUB_LOWEST_VERSIONS" in os.environ, reason="older libraries describe types in other words")
def test_what_is_served_is_what_the_code_says(made: dict[str, bytes]) -> None:
    folders = (DOCS / "made", DOCS / "fixtures")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    held = {path.relative_to(DOCS).as_posix(): path.read_bytes() for path in files}
    assert held.keys() == made.keys(), MADE_ANEW
    # Another zlib packs the same files into other bytes.
    assert [name for name, content in made.items() if held[name] != content and name != ZIP] == [], MADE_ANEW
    assert unpacked(held[ZIP]) == unpacked(made[ZIP]), MADE_ANEW


def test_it_is_the_same_whenever_it_is_made(made: dict[str, bytes]) -> None:
    again = make()
    assert again.keys() == made.keys()
    assert [name for name, content in made.items() if again[name] != content] == []


def test_the_index_lists_each_once_with_what_it_shows() -> None:
    names = [one.file for one in FIXTURES]
    held = [path.relative_to(DOCS / "fixtures").as_posix() for path in (DOCS / "fixtures").rglob("*.*")]
    assert sorted([*names, "index.json", "README.md"]) == sorted(held)
    readme = stored("README.md").decode()
    for one in FIXTURES:
        assert one.shows.endswith(".")
        assert f"- [{one.file}]({one.file}) ({one.type}): {one.shows}\n" in readme


@pytest.mark.parametrize("one", FIXTURES, ids=[one.file for one in FIXTURES])
def test_a_golden_file_is_what_its_type_says(one: Fixture) -> None:
    value = json.loads(stored(one.file))
    if one.type not in ("client message", "list of close codes"):
        kept = json.loads(msgspec.json.encode(msgspec.json.decode(stored(one.file), type=TYPES[one.type])))
        assert kept == value or one.type in SENT, "of what is sent, a type leaves out what is not given"
    assert not re.search(rb"/root/|/home/|/tmp/", stored(one.file))


def test_there_is_one_for_each_answer_error_and_message() -> None:
    names = {one.file for one in FIXTURES}
    for route in ROUTES:
        for status, body in route.answers.items():
            same_as_health = (route.name, status) == ("syncHealth", 503)
            assert body is None or same_as_health or f"answers/{route.name}-{status}.json" in names
        assert route.body is None or f"requests/{route.name}.json" in names
    assert {f"errors/{code}.json" for code in CODES} <= names
    tags = {str(struct.__struct_config__.tag) for struct in message_structs() if struct is not messages.NamedChange}
    assert {f"messages/{name}.json" for name in (*tags, *get_args(messages.NamedType))} <= names
    sent = {json.loads(message)["type"] for message, _ in CLIENT_MESSAGES}
    assert {f"client-messages/{name}.json" for name in sent} <= names
    assert [one["code"] for one in json.loads(stored("close-codes.json"))] == [code for code, _, _ in CLOSES]


def test_the_parts_of_a_message_make_it_whole() -> None:
    for whole, name in (("full_sync", "full_sync"), ("delta_update-compacted", "delta_update")):
        parts = [json.loads(stored(f"messages/{name}-part-{part}-of-2.json")) for part in (1, 2)]
        assert [(one["part"], one["parts"]) for one in parts] == [(1, 2), (2, 2)]
        one = json.loads(stored(f"messages/{whole}.json"))
        if name == "full_sync":
            assert one["data"] == {
                key: [x for part in parts for x in part["data"][key]] for key in ("guests", "tables")
            }
        else:
            assert one["changes"] == parts[0]["changes"] + parts[1]["changes"]
            assert all(part["changes"] for part in parts)
    compacted = json.loads(stored("messages/delta_update-compacted.json"))
    assert compacted["previous_revision"] < compacted["revision"] - 1


def test_the_zip_has_the_files_of_the_tree(api: httpx.Client) -> None:
    answer = api.get("/docs/fixtures.zip")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="fixtures.zip"'
    names = ["README.md", "index.json", *(one.file for one in FIXTURES)]
    assert unpacked(answer.content) == {f"fixtures/{name}": stored(name) for name in names}


def test_the_documents_show_what_the_reference_shows(api: httpx.Client) -> None:
    shown = [json.loads(text) for _, text in examples(api.get("/docs").text)]
    found: list[Any] = []
    for item in api.get("/schema/openapi.json").json()["paths"].values():
        for one in item.values():
            media = one.get("requestBody", {}).get("content", {}).get("application/json", {})
            found += [example["value"] for example in media.get("examples", {}).values()]
    assert len(found) == len([one for one in FIXTURES if one.file.startswith("requests/")])
    assert [value for value in found if value not in shown] == []


def test_every_message_that_the_code_has_stands_in_the_asyncapi_document(api: httpx.Client) -> None:
    document = api.get("/schema/asyncapi.json").json()
    names = {struct.__name__ for struct in message_structs()}
    assert names <= document["components"]["schemas"].keys()
    tags = {str(struct.__struct_config__.tag) for struct in message_structs() if struct is not messages.NamedChange}
    assert tags | set(get_args(messages.NamedType)) <= document["components"]["messages"].keys()
