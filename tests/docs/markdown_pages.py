"""The Markdown pages as the tests read them: which there are, their headings, their tables."""

from __future__ import annotations

import re

from tests.house.source_tree import ROOT

PAPERS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *(ROOT / "restohub").rglob("*.md"), *(ROOT / "tests").rglob("*.md"))
)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def prose(name: str) -> str:
    """A page without its fenced code."""
    return FENCED.sub("", (ROOT / name).read_text("utf-8"))


def headings(name: str) -> list[str]:
    """The headings of a page, as they are written."""
    return HEADING.findall(prose(name))


def anchor(heading: str) -> str:
    """What a link to a heading ends with, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def part(name: str, heading: str) -> str:
    """What stands under a heading, down to the next of its rank or a higher one."""
    text = (ROOT / name).read_text("utf-8")
    found = re.search(rf"^(#+) {re.escape(heading)}\n", text, re.MULTILINE)
    assert found, f'{name} has no heading "{heading}"'
    return re.split(rf"^#{{1,{len(found[1])}}} ", text[found.end() :], maxsplit=1, flags=re.MULTILINE)[0]


def cells(text: str) -> list[list[str]]:
    """The rows of all tables in a text, without the lines between head and body."""
    rows = [line for line in text.splitlines() if line.startswith("|") and not re.fullmatch(r"[|\- ]+", line)]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in rows]
