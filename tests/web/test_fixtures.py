"""This file is whether the golden files are what the code says, whole, and served as one zip of the same bytes."""

from __future__ import annotations

import asyncio
import io
import json
import re
from pathlib import Path
from typing import Any, get_args
from zipfile import ZipFile

import httpx
import msgspec
import pytest

from restohub.build.fixtures import make
from restohub.web.asyncapi import document as asyncapi_document
from restohub.web.fixtures import FOLDER, Fixture, archive, index, stored
from restohub.web.openapi import document as openapi_document
from restohub.web.reference.examples import CLIENT_MESSAGES
from restohub.web.reference.message_list import message_structs
from restohub.web.reference.words import CLOSES
from restohub.web.routes import ROUTES
from restohub.wire import messages
from restohub.wire.codes import CODES
from tests.house.tree import ROOT
from tests.web.test_reference import SENT, TYPES, examples

MADE_ANEW = "Golden files are made anew by `python -m restohub.build.fixtures`; look at what it changed."
FIXTURES = index()


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    """Every golden file, made now."""
    return asyncio.run(make())


def test_the_golden_files_are_what_the_code_says(made: dict[str, bytes]) -> None:
    folder = ROOT / "restohub" / FOLDER
    held = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert held.keys() == made.keys(), MADE_ANEW
    assert [name for name, content in made.items() if held[name] != content] == [], MADE_ANEW


def test_they_are_the_same_whenever_they_are_made(made: dict[str, bytes]) -> None:
    assert asyncio.run(make()) == made


def test_the_index_lists_each_once_with_what_it_shows(made: dict[str, bytes]) -> None:
    names = [one.file for one in FIXTURES]
    assert sorted([*names, "index.json", "README.md"]) == sorted(made)
    readme = stored("README.md").decode()
    for one in FIXTURES:
        assert one.shows.endswith(".")
        assert f"- [{one.file}]({one.file}) ({one.type}): {one.shows}\n" in readme


@pytest.mark.parametrize("one", FIXTURES, ids=[one.file for one in FIXTURES])
def test_a_golden_file_is_what_its_type_says(one: Fixture) -> None:
    value = json.loads(stored(one.file))
    if one.type not in ("client message", "list of close codes"):
        kept = json.loads(msgspec.json.encode(msgspec.json.decode(stored(one.file), type=TYPES[one.type])))
        assert kept == value or one.type in SENT
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


def test_the_zip_has_the_files_of_the_tree_and_the_same_bytes_each_time(api: httpx.Client, tmp_path: Path) -> None:
    answer = api.get("/docs/fixtures.zip")
    assert answer.headers["content-type"] == "application/zip"
    archive.cache_clear()
    assert answer.content == archive()
    with ZipFile(io.BytesIO(answer.content)) as zipped:
        assert zipped.testzip() is None
        zipped.extractall(tmp_path)
    for name in ("README.md", "index.json", *(one.file for one in FIXTURES)):
        assert (tmp_path / "fixtures" / name).read_bytes() == stored(name)


def test_the_documents_show_what_the_reference_shows(api: httpx.Client) -> None:
    shown = [json.loads(text) for _, text in examples(api.get("/docs").text)]
    found: list[Any] = []
    for item in openapi_document("")["paths"].values():
        for one in item.values():
            media = one.get("requestBody", {}).get("content", {}).get("application/json", {})
            found += [example["value"] for example in media.get("examples", {}).values()]
    assert len(found) == len([one for one in FIXTURES if one.file.startswith("requests/")])
    assert [value for value in found if value not in shown] == []


def test_every_message_that_the_code_has_stands_in_the_asyncapi_document() -> None:
    document = asyncapi_document("")
    names = {struct.__name__ for struct in message_structs()}
    assert names <= document["components"]["schemas"].keys()
    tags = {str(struct.__struct_config__.tag) for struct in message_structs() if struct is not messages.NamedChange}
    assert tags | set(get_args(messages.NamedType)) <= document["components"]["messages"].keys()
