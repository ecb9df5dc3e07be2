"""Small charts as SVG, drawn for a page and for paper alike: bars with their numbers in words beside them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil

from msgspec import Struct

WIDTH, HEIGHT, BELOW, ABOVE = 640, 120, 20, 18
# More would run into each other on paper.
LABELS_MAX = 9


class Bar(Struct, frozen=True):
    """One bar: its value, what it says when pointed at, what stands below it, and a second value beside it."""

    value: int
    says: str
    label: str = ""
    other: int | None = None


def bar_chart(title: str, bars: Sequence[Bar]) -> str:
    """A chart of bars as SVG, "" for none; `title` says to who cannot see it what it shows."""
    most = max([1, *(max(bar.value, bar.other or 0) for bar in bars)])
    if not bars:
        return ""
    step = WIDTH / len(bars)
    every = ceil(sum(1 for bar in bars if bar.label) / LABELS_MAX)
    drawn, labels = "", 0
    for number, bar in enumerate(bars):
        drawn += _drawn(bar, number * step, step, most)
        if bar.label:
            drawn += _label(bar.label, number * step) if labels % every == 0 else ""
            labels += 1
    base = ABOVE + HEIGHT
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {base + BELOW}" role="img" aria-label="{escape(title)}">'
        f'<line x1="0" x2="{WIDTH}" y1="{base}" y2="{base}"/><text x="0" y="14">{most:,}</text>{drawn}</svg>\n'
    )


def _drawn(bar: Bar, left: float, step: float, most: int) -> str:
    """A bar in its place, or two side by side."""
    room = step * 0.8
    width = room if bar.other is None else room / 2
    shapes = _shape("one", left + step * 0.1, width, bar.value, most)
    if bar.other is not None:
        shapes += _shape("other", left + step * 0.1 + width, width, bar.other, most)
    return f"<g><title>{escape(bar.says)}</title>{shapes}</g>"


def _label(text: str, left: float) -> str:
    return f'<text x="{left:.1f}" y="{ABOVE + HEIGHT + 15}">{escape(text)}</text>'


def _shape(kind: str, left: float, width: float, value: int, most: int) -> str:
    if not value:
        return ""
    height = HEIGHT * value / most
    top = ABOVE + HEIGHT - height
    return f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
