"""How texts are folded: what Unicode says of it, over all its characters, and the digits."""

from __future__ import annotations

import unicodedata
from functools import cache
from random import Random

from restohub.floor.text_folding import IGNORABLE, fold, is_blank

# Of the category Cf, but seen: signs that stand over numbers, marks of annotation, joints of hieroglyphs.
SEEN = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\ufff9\ufffa\ufffb\U000110bd\U000110cd"


@cache
def characters() -> list[str]:
    """Every character of Unicode."""
    return [chr(one) for one in range(0x110000) if not 0xD800 <= one < 0xE000]


def test_format_characters_are_ignored_but_for_those_that_are_seen() -> None:
    left = [one for one in characters() if unicodedata.category(one) == "Cf" and not IGNORABLE.fullmatch(one)]
    assert [one for one in left if not 0x13430 <= ord(one) <= 0x1345F] == list(SEEN)


def test_what_is_ignored_is_no_letter_digit_or_sign_that_is_seen() -> None:
    ignored = [one for one in characters() if IGNORABLE.fullmatch(one)]
    assert {unicodedata.category(one) for one in ignored} == {"Cf", "Cn", "Lo", "Mn"}
    letters = [one for one in ignored if unicodedata.category(one) == "Lo"]
    assert letters == ["\u115f", "\u1160", "\u3164", "\uffa0"], "the fillers of Hangul"


def test_every_digit_counts_by_its_value() -> None:
    for one in characters():
        if unicodedata.category(one) == "Nd":
            assert fold(one) == str(unicodedata.decimal(one))


def test_to_fold_again_changes_nothing_nor_does_the_other_form() -> None:
    random = Random(5)
    kinds = ("Mn", "Mc", "Ll", "Lu", "Lo", "Nd", "Cf", "Sk")
    some = [one for one in characters() if unicodedata.category(one) in kinds]
    texts = ["".join(random.choices(some, k=3)) for _ in range(20_000)]
    for text in (*characters()[:0x3000], *texts):
        folded = fold(text)
        assert fold(folded) == folded
        assert fold(unicodedata.normalize("NFD", text)) == folded


def test_blank_is_what_leaves_no_trace() -> None:
    assert is_blank("")
    assert is_blank(" \u200b\t\u2800\x00\u00a0\ufe0f")
    assert not any(is_blank(one) for one in ("a", "\u200ba", "\U0001f382", "\u0301", "\uf8ff", "\U000e1000"))
