"""The facts of reading JSON: what is refused, what is not, and what is never built."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from restohub.wire.problems import Problem
from restohub.wire.strict_json import read_json

# What texts are made of: all that could be taken for structure, and each way to escape.
PIECES = [
    "a",
    ":",
    ",",
    "{",
    "[",
    "]",
    "}",
    '\\"',
    "\\\\",
    "\\u0061",
    "\\u005c",
    "\\u0022",
    "\\n",
    "é",
    "😀",
    "\\\\u0000",
]
texts = st.lists(st.sampled_from(PIECES), max_size=4).map(lambda pieces: f'"{"".join(pieces)}"')
values = st.recursive(
    st.one_of(texts, st.sampled_from(["0", "-1.5e3", "true", "null"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(st.tuples(texts, inner), max_size=4).map(
            lambda pairs: f"{{{','.join(f'{key} :{value}' for key, value in pairs)}}}"
        ),
    ),
    max_leaves=20,
)


def refusal(body: bytes, *values_max: int) -> str:
    """What is said of a body that must be refused."""
    with pytest.raises(Problem) as caught:
        read_json(body, *values_max)
    assert caught.value.refused.code == "invalid_json"
    return str(caught.value)


def has_a_key_twice(text: str) -> bool:
    """The same question, answered by the standard library."""
    found: list[bool] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        found.append(len({key for key, _ in pairs}) < len(pairs))

    json.JSONDecoder(object_pairs_hook=look).decode(text)
    return any(found)


@given(values)
def test_a_document_is_read_as_it_is_unless_a_key_comes_twice(text: str) -> None:
    if has_a_key_twice(text):
        assert "is given twice in one object" in refusal(text.encode())
    else:
        assert read_json(text.encode()) == json.loads(text)


@given(values)
def test_texts_count_for_nothing_in_the_size_of_a_document(text: str) -> None:
    """The size is looked at in bodies above 10,000 bytes only, so blanks make up the rest."""
    body = (text + " " * 11_000).encode()
    assume(not has_a_key_twice(text))
    assert read_json(body) == json.loads(text)


def test_a_key_that_comes_twice_is_named_however_it_is_escaped() -> None:
    said = refusal(rb'{"list": [{"a:": ":", "b": 1, "\u0061:": 2}]}')
    assert "the key 'a:' is given twice" in said


def test_of_a_large_body_the_key_that_comes_twice_is_not_named() -> None:
    keys = ",".join(f'"k{n}":0' for n in range(26_000))
    assert "a key is given twice" in refusal(f'{{{keys},"k25999":0}}'.encode())
    assert len(read_json(f"{{{keys}}}".encode())) == 26_000


@pytest.mark.parametrize(("escape", "is_nul"), [(r"\u0000", True), (r"\\u0000", False), (r"\\\u0000", True)])
def test_a_nul_is_seen_behind_any_number_of_backslashes(escape: str, is_nul: bool) -> None:
    body = f'[{{"a": "x{escape}"}}]'.encode()
    if is_nul:
        assert "contains NUL" in refusal(body)
    else:
        assert read_json(body) == json.loads(body)


@pytest.mark.parametrize("number", ["1e400", "-1e999", "0." + "1" * 39, "1" * 641, "1" * 5_000, "-" + "9" * 1_000_000])
def test_a_number_that_nobody_needs_is_refused(number: str) -> None:
    assert "a number in it is too large or too long" in refusal(f"[{number}]".encode())


@pytest.mark.parametrize("number", ["-2.2250738585072014e-308", "0." + "1" * 38, "1" * 640, "1.7976931348623157e308"])
def test_every_double_and_every_integer_of_640_digits_is_read(number: str) -> None:
    assert read_json(f"[{number}]".encode()) == [json.loads(number)]


def test_a_body_has_100_000_values_at_most() -> None:
    def numbers(count: int) -> bytes:
        return f"[{','.join('0' * count)}]".encode()

    assert len(read_json(numbers(99_999))) == 99_999, "the list is a value too"
    assert "more than 100,000 values" in refusal(numbers(100_001))
    assert "more than 1,000 values" in refusal(numbers(1_001), 1_000)
    assert len(read_json(numbers(999), 1_000)) == 999


@pytest.mark.parametrize("empty", ["{}", "[]"])
def test_a_body_has_10_000_objects_and_lists_at_most(empty: str) -> None:
    def nested(count: int) -> bytes:
        return f"[{','.join([empty] * count)}]".encode()

    assert len(read_json(nested(9_999))) == 9_999
    assert "10,000 objects and lists" in refusal(nested(10_000))
    assert "100 objects and lists" in refusal(nested(100), 1_000)


@pytest.mark.parametrize("text", [",", "[", "{", r"\",", r"\\,", ":"])
def test_a_text_full_of_commas_and_brackets_is_one_value(text: str) -> None:
    body = f'["{text * 200_000}"]'.encode()
    assert read_json(body) == json.loads(body)


def test_a_body_of_too_many_values_is_refused_before_it_is_looked_at() -> None:
    """It is no JSON: whoever reads on to its end says so instead."""
    assert "more than 100,000 values" in refusal(b'{"":0,' * 100_000 + b"?")
    assert "more than 10,000 objects" in refusal(b"[" * 1_000_000)
    assert "more than 100,000 values" in refusal(b'"",' * 300_000 + b"?")


def test_a_document_that_is_nested_too_deeply_is_refused() -> None:
    assert read_json(b"[" * 100 + b"]" * 100) is not None
    assert "nested too deeply" in refusal(b"[" * 5_000 + b"]" * 5_000)
