"""Strict JSON: a reader with limits, in which every fault is a clear 400."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import msgspec

from restohub.floor.outcomes import quoted
from restohub.limits import SMALL_BODY_BYTES, VALUES_MAX, VALUES_PER_OBJECT

from .problems import Problem, problem

# A double has 24 characters at most; a longer number costs both decoders microseconds each.
NUMBER_CHARACTERS_MAX = 40
# The least that Python takes. Its default, 4,300, makes a megabyte of such numbers 0.1 s of arithmetic.
sys.set_int_max_str_digits(640)
NESTING = frozenset((dict, list))


class KeyTwiceError(ValueError):
    """An object gives a key twice; which of the two is meant, nobody can know."""


def _float(text: str) -> float:
    """A number with a point or an exponent. msgspec's own reading takes 8 µs where the exponent is large."""
    value = float(text) if len(text) <= NUMBER_CHARACTERS_MAX else math.inf
    if math.isinf(value):
        raise OverflowError
    return value


def _unique(pairs: list[tuple[str, Any]]) -> None:
    """No value is built: only whether the keys differ is asked."""
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise KeyTwiceError(key)
        seen.add(key)


_decode = msgspec.json.Decoder(float_hook=_float).decode
_name_keys = json.JSONDecoder(object_pairs_hook=_unique, parse_int=str, parse_float=str).decode


def read_json(body: bytes, values_max: int = VALUES_MAX) -> Any:
    """The JSON document in `body`, of so many values at most; raises Problem `invalid_json`.

    msgspec refuses NaN, lone surrogates and huge numbers. It takes keys given twice: then the document has fewer keys
    than the body has colons outside its texts.
    """
    try:
        bare = _bare_of_large(body, values_max) if len(body) > values_max // VALUES_PER_OBJECT else None
        document = _decode(body)
        keys = _keys(document)
        if body.count(b":") != keys and (bare or _without_texts(body)).count(b":") != keys:
            raise _invalid(_key_twice(body))
    except (msgspec.ValidationError, OverflowError):
        raise _invalid("a number in it is too large or too long") from None
    except msgspec.DecodeError as fault:
        why = str(fault).removeprefix("JSON is malformed: ")
        # What msgspec says of a lone surrogate too.
        raise _invalid("it ends too early, or has a lone surrogate" if "truncated" in why else why) from None
    except UnicodeDecodeError:
        raise _invalid("it is not UTF-8") from None
    except RecursionError:
        raise _invalid("it is nested too deeply") from None
    if b"\\u0000" in body and b"\\u0000" in body.replace(rb"\\", b""):
        raise _invalid("a text in it contains NUL (\\u0000)")
    return document


def _bare_of_large(body: bytes, values_max: int) -> bytes | None:
    """The body without its texts where it has many values, None where it has few: a value takes a byte at least.

    Raises Problem where it has more than may be read, before any of them is built.
    """
    objects_max = values_max // VALUES_PER_OBJECT
    if body.count(b",") + body.count(b"[") + body.count(b"{") <= objects_max:
        return None
    # Each value has at most two texts, its key and itself.
    if body.count(b'"') - body.count(rb"\"") <= 4 * values_max:
        bare = _without_texts(body)
        objects = bare.count(b"[") + bare.count(b"{")
        if objects <= objects_max and objects + bare.count(b",") <= values_max:
            return bare
    raise _invalid(f"it has more than {values_max:,} values, or more than {objects_max:,} objects and lists")


def _key_twice(body: bytes) -> str:
    """What is said of a key that was given twice: in a small body, which one it is."""
    try:
        if len(body) <= SMALL_BODY_BYTES:
            _name_keys(body.decode())
    except KeyTwiceError as fault:
        return f"the key {quoted(str(fault))} is given twice in one object"
    return "a key is given twice in one object"


def _without_texts(body: bytes) -> bytes:
    """What stands outside the texts of a JSON document. Escapes are read in order, so `\\\\` goes before `\\"`."""
    if b"\\" in body:
        body = body.replace(rb"\\", b"").replace(rb"\"", b"")
    return b"".join(body.split(b'"')[::2])


def _keys(value: Any) -> int:
    """How many keys its objects have."""
    if type(value) is dict:
        return len(value) + sum([_keys(item) for item in value.values() if type(item) in NESTING])
    if type(value) is list:
        return sum([_keys(item) for item in value if type(item) in NESTING])
    return 0


def _invalid(why: str) -> Problem:
    return problem("invalid_json", f"The body is not JSON that the hub takes: {why}.")
