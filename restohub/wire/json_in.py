"""This file is the reading of JSON as the contract wants it: strict, and every fault a clear 400."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from .problems import Problem, problem


class KeyTwiceError(ValueError):
    """An object gives a key twice; which of the two is meant, nobody can know."""


def _unique(pairs: list[tuple[str, Any]]) -> None:
    """No value is built: only whether the keys differ is asked."""
    keys = {key for key, _ in pairs}
    if len(keys) != len(pairs):
        names = [key for key, _ in pairs]
        raise KeyTwiceError(next(name for name in names if names.count(name) > 1))


_decode = msgspec.json.Decoder().decode
_check_keys = json.JSONDecoder(object_pairs_hook=_unique, parse_int=str, parse_float=str).decode


def read_json(body: bytes) -> Any:
    """The JSON document in `body`; raises Problem `invalid_json`.

    msgspec goes first: it refuses NaN, lone surrogates and huge numbers, which the standard library takes; the library
    then sees keys given twice, which msgspec takes.
    """
    try:
        document = _decode(body)
        if body.count(b":") != _keys(document):
            _check_keys(body.decode())
    except msgspec.ValidationError:
        raise _invalid("a number in it is too large") from None
    except msgspec.DecodeError as fault:
        why = str(fault).removeprefix("JSON is malformed: ")
        # What msgspec says of a lone surrogate too.
        raise _invalid("it ends too early, or has a lone surrogate" if "truncated" in why else why) from None
    except UnicodeDecodeError:
        raise _invalid("it is not UTF-8") from None
    except RecursionError:
        raise _invalid("it is nested too deeply") from None
    except KeyTwiceError as fault:
        raise _invalid(f"the key {str(fault)[:100]!r} is given twice in one object") from None
    if b"\\u0000" in body and _has_nul(document):
        raise _invalid("a text in it contains NUL (\\u0000)")
    return document


def _keys(value: Any) -> int:
    """How many keys its objects have. Each was written with a colon: as many colons as keys, and none came twice."""
    if isinstance(value, dict):
        return len(value) + sum([_keys(item) for item in value.values() if isinstance(item, (dict, list))])
    if isinstance(value, list):
        return sum([_keys(item) for item in value if isinstance(item, (dict, list))])
    return 0


def _has_nul(value: Any) -> bool:
    match value:
        case str():
            return "\0" in value
        case dict():
            return any(_has_nul(key) or _has_nul(item) for key, item in value.items())
        case list():
            return any(_has_nul(item) for item in value)
    return False


def _invalid(why: str) -> Problem:
    return problem("invalid_json", f"The body is not JSON that the hub takes: {why}.")
