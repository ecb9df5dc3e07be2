"""The templates of the pages that a running hub fills in."""

from __future__ import annotations

import re
from html import escape
from string import Template

from .package_files import packaged

CODE = re.compile(r"`([^`]+)`")


def filled(page: str, **places: str) -> bytes:
    """A page of `docs/made` with its `$places` filled with HTML; raises KeyError for one that is missing."""
    return Template(packaged(f"made/{page}").decode()).substitute(places).encode()


def inline(text: str) -> str:
    """A sentence as HTML: escaped, with what stands in backticks as code."""
    return CODE.sub(r"<code>\1</code>", escape(text))


def code(text: str) -> str:
    """A name as HTML."""
    return f"<code>{escape(text)}</code>"


def state(kind: str, title: str, text: str) -> str:
    """Well or not, as the first thing on a page."""
    return f'<div class="state {kind}" role="status"><p><strong>{title}</strong> {escape(text)}</p></div>\n'


def notes(warnings: list[str]) -> str:
    """What staff must know, each a paragraph."""
    return "".join(f'<p class="note" role="note">{inline(one)}</p>\n' for one in warnings)
