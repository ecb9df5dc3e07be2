"""The facts of a request's digest: the same data have the same one, and none is slow to make."""

from __future__ import annotations

import random

from restohub.web.request import KEYS_UNSORTED_MAX, in_order


def test_the_keys_of_a_large_object_are_in_order_wherever_it_stands() -> None:
    keys = [f"k{number:06d}" for number in range(2 * KEYS_UNSORTED_MAX)]
    large = dict.fromkeys([*keys[1:], keys[0]], 0)
    for document in (large, [large], {"operations": [{"data": large}]}, {**large, "more": {"data": [large]}}):
        found = in_order(document)
        assert found == document
        assert objects(found)
        assert all(list(one) == sorted(one) for one in objects(found) if len(one) > KEYS_UNSORTED_MAX)


def test_what_is_small_stays_as_it_is() -> None:
    chance = random.Random(1)
    document = {key: {"b": [1, {"d": None, "c": 2.5}], "a": "x"} for key in chance.sample("abcdefgh", 8)}
    assert in_order(document) == document
    assert list(in_order(document)) == list(document)


def objects(value: object) -> list[dict[str, object]]:
    """Every object of a document."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [*([value] if isinstance(value, dict) else []), *(one for item in inner for one in objects(item))]
