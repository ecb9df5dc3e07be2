"""The board's colours: they meet the contrasts of its design, live and stale, dark and light."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOKENS = (Path(__file__).parents[2] / "restohub/web/board/base.css").read_text()
THEMES = {
    "dark": [":root"],
    "light": [":root", ":root[data-theme=light]"],
    "dark stale": [":root", ":root[data-stale]"],
    "light stale": [":root", ":root[data-theme=light]", ":root[data-stale]", ":root[data-stale][data-theme=light]"],
}
LIVE = ["dark", "light"]

# what is read or told apart, on what, at least (WCAG 1.4.3: 4.5 for text; 1.4.11: 3 for what is no text)
PAIRS = [
    ("ink", "bg", 7.0),
    ("ink", "room", 7.0),
    ("ink", "raised", 7.0),
    ("ink2", "bg", 7.0),
    ("ink2", "room", 7.0),
    ("ink2", "surface", 7.0),
    ("ink3", "bg", 4.5),
    ("invert", "ink", 7.0),
    ("control", "bg", 3.0),
    ("control", "room", 3.0),
    ("control", "raised", 3.0),
    ("free", "room", 4.5),
    ("free", "free-fill", 4.5),
    ("ink", "free-fill", 7.0),
    ("ink2", "free-fill", 7.0),
    ("held", "room", 4.5),
    ("held", "held-fill", 4.5),
    ("ink", "held-fill", 7.0),
    ("seat", "room", 2.4),
    ("on-seat", "seat", 4.5),
    ("ring", "seat", 3.0),
    ("soon", "seat", 3.0),
    ("late-edge", "room", 3.0),
    ("on-late", "late", 7.0),
    ("dirty", "room", 4.5),
    ("dirty", "dirty-fill", 4.5),
    ("ink", "dirty-fill", 7.0),
    ("oos", "room", 3.0),
    ("oos", "oos-fill", 3.0),
    ("ink2", "oos-fill", 4.5),
]

# the table of the design: token on room, dark and light
PROMISED = {
    "free": (10.2, 5.8),
    "held": (7.9, 5.4),
    "seat": (3.1, 6.1),
    "late-edge": (9.2, 5.7),
    "dirty": (6.4, 6.1),
    "oos": (4.6, 4.1),
    "ink": (15.0, 16.1),
    "ink2": (9.2, 8.0),
    "ink3": (6.3, 5.4),
    "control": (5.1, 4.1),
}


def _tokens(theme: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for selector in THEMES[theme]:
        for block in re.findall(rf"^{re.escape(selector)}\{{(.*?)\}}", TOKENS, re.DOTALL | re.MULTILINE):
            found |= dict(re.findall(r"--([a-z0-9-]+):\s*(#[0-9a-f]{3,6})\b", block))
    return found


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_what_is_read_stands_out(theme: str) -> None:
    tokens = _tokens(theme)
    found = {(front, back): _contrast(tokens[front], tokens[back]) for front, back, _ in PAIRS}
    assert {pair: round(found[pair[:2]], 2) for pair in PAIRS if found[pair[:2]] < pair[2]} == {}


@pytest.mark.parametrize("theme", LIVE)
def test_the_designs_contrasts_are_met(theme: str) -> None:
    tokens = _tokens(theme)
    found = {token: _contrast(tokens[token], tokens["room"]) for token in PROMISED}
    promised = {token: ratios[LIVE.index(theme)] for token, ratios in PROMISED.items()}
    assert {token: round(found[token], 2) for token in PROMISED if found[token] < promised[token] - 0.05} == {}


def test_stale_is_said_by_other_colours() -> None:
    for theme in LIVE:
        live, stale = _tokens(theme), _tokens(f"{theme} stale")
        told = ["ink", "free", "held", "seat", "late", "dirty"]
        assert [token for token in told if live[token] == stale[token]] == []
