"""The HTML of the made pages: small pieces of text, coloured code, a page's contents."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from html import unescape
from typing import Any

import pygments
from markupsafe import Markup
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Name, Number, String, Text

from restohub.web import html_templates

# The width at which a line of JSON fits an upright iPad.
JSON_COLUMNS = 82
HEADING = re.compile(r'<h([23]) id="([^"]+)">(.*?)</h\1>', re.DOTALL)
COLOURED = (Comment, Keyword, Name.Tag, Number, String)
TAG = re.compile(r"<[^>]+>")


class Heading:
    """A heading of the second level, with those of the third level under it."""

    def __init__(self, target: str, text: str) -> None:
        self.target, self.text = target, text
        self.inner: list[Heading] = []


def inline(text: str) -> Markup:
    """A sentence as HTML: escaped, with what stands in backticks as code."""
    return Markup(html_templates.inline(text))


def code(text: str) -> Markup:
    """A name as HTML."""
    return Markup("<code>{}</code>").format(text)


def link(target: str, html: Markup) -> Markup:
    """A link around HTML."""
    return Markup('<a href="{}">{}</a>').format(target, html)


def joined(pieces: Iterable[Markup], by: str = ", ") -> Markup:
    """Pieces of HTML with a text between them."""
    return Markup(by).join(pieces)


def coloured(text: str, language: str) -> Markup:
    """Code as HTML, in which keys, texts, numbers, words and comments have classes of their own."""
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    # A token without a colour in the style sheet needs no element: half of JSON is punctuation.
    tokens = (
        (next((one for one in COLOURED if kind in one), Text), piece) for kind, piece in pygments.lex(text, lexer)
    )
    html = pygments.format(tokens, HtmlFormatter(nowrap=True)).removesuffix("\n")
    # Pygments leaves quotes as they are, and `from 'https://…'` in an example would look like an import to the tests.
    return Markup(html.replace("'", "&#39;"))


def json_block(document: bytes, is_: str) -> Markup:
    """A JSON document, laid out and coloured; `is_` names its type for whoever checks the examples."""
    text = coloured(laid_out(json.loads(document)), "json")
    return Markup('<pre class="json" data-is="{}" tabindex="0"><code>{}</code></pre>\n').format(is_, text)


def laid_out(value: Any, indent: int = 0, lead: int = 0) -> str:
    """JSON in lines as full as fits: one field a line would make a page of each guest. `lead`: columns taken before."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or indent + lead + len(line) <= JSON_COLUMNS:
        return line
    inner = indent + 2
    if isinstance(value, dict):
        keys = [json.dumps(key, ensure_ascii=False) + ": " for key in value]
        items = [key + laid_out(item, inner, len(key)) for key, item in zip(keys, value.values(), strict=True)]
    else:
        items = [laid_out(item, inner) for item in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    lines = "".join("\n" + " " * inner + one for one in _lines(items, JSON_COLUMNS - inner))
    return f"{opening}{lines}\n{' ' * indent}{closing}"


def _lines(items: Sequence[str], columns: int) -> list[str]:
    """Items packed into lines; one that has several lines stands alone."""
    lines: list[str] = []
    for index, item in enumerate(items):
        one = item + ("," if index + 1 < len(items) else "")
        alone = "\n" in one or (lines and "\n" in lines[-1])
        if lines and not alone and len(lines[-1]) + 1 + len(one) <= columns:
            lines[-1] += " " + one
        else:
            lines.append(one)
    return lines


def contents(html: str) -> list[Heading]:
    """The headings of a page's text, for its table of contents."""
    found: list[Heading] = []
    for level, target, text in HEADING.findall(html):
        holder = found if level == "2" or not found else found[-1].inner
        holder.append(Heading(target, unescape(TAG.sub("", text))))
    return found
