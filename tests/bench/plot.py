"""The picture of README.md beside it: how the hub stands to the other, and to the limits, on one scale."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot

from tests.bench.report import Results

# What is drawn: the figure, what it says, and whether less is better.
BARS = (
    ("W1 C=100 changes/s", "changes a second, 100 clients", False),
    ("W1 C=100 p99 ms", "the slowest 1 % of them, 100 clients", True),
    ("W2 S=50 p99 ms", "one change to 50 iPads, slowest 1 %", True),
    ("W2 S=500 p99 ms", "one change to 500 iPads, slowest 1 %", True),
    ("W3 ms", "100 changes at once, until 50 iPads hold all", True),
    ("W4 C=10 changed/s", "whole floor, 10 iPads, just changed", False),
    ("W4 C=10 unchanged/s", "whole floor, 10 iPads, unchanged", False),
    ("W6 deliveries/s", "messages a second to 50 iPads", False),
)
HUB, OTHER = "#0b6e4f", "#b8b8b8"


def drawn(results: Results, path: Path) -> None:
    """Draw how many times better than the other subject the hub is, each figure a bar, on a logarithmic scale."""
    others = [name for name in results.rounds if name not in ("restohub", "limit")]
    if not others:
        raise SystemExit("--plot draws a comparison: give --against too.")
    told: list[tuple[str, float]] = []
    for name, says, less in BARS:
        mine, its = results.median("restohub", name), results.median(others[0], name)
        if mine and its:
            told.append((says, its / mine if less else mine / its))
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "restohub", "font.family": "sans-serif"})
    figure, axes = pyplot.subplots(figsize=(8, 0.45 * len(told) + 1.1))
    told.reverse()
    times = [value for _, value in told]
    bars = axes.barh(
        [words for words, _ in told], times, color=[HUB if value >= 1 else OTHER for value in times], height=0.62
    )
    axes.bar_label(bars, [f" {value:.1f} ×" if value < 10 else f" {value:.0f} ×" for value in times])
    axes.axvline(1, color="#444444", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(min(0.5, *times), max(times) * 2)
    axes.set_title(f"restohub against {others[0]} (= 1), in one run, on one core", loc="left", fontsize=11)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
