"""This file is the HTML of the pages: small functions from data to escaped text, and the frame around a page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from string import Template
from typing import Any

from restohub.web.packaged import packaged

# The width at which a line of JSON fits an upright iPad.
JSON_COLUMNS = 82
CODE = re.compile(r"`([^`]+)`")
TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)')
HEADING = re.compile(r'<h([23]) id="([^"]+)">(.*?)</h\1>', re.DOTALL)
TAG = re.compile(r"<[^>]+>")


@cache
def part(name: str) -> str:
    """A file of the pages: prose, frame or style sheet."""
    return packaged(f"web/reference/text/{name}").decode()


def filled(name: str, values: Mapping[str, str]) -> str:
    """A file of the pages with its `$places` filled in with HTML; raises KeyError for one that has no value."""
    return Template(part(name)).substitute(values)


def inline(text: str) -> str:
    """A sentence as HTML: escaped, with what stands in backticks as code."""
    return CODE.sub(r"<code>\1</code>", escape(text))


def code(text: str) -> str:
    """A name as HTML."""
    return f"<code>{escape(text)}</code>"


def link(target: str, html: str) -> str:
    """A link around HTML."""
    return f'<a href="{escape(target)}">{html}</a>'


def table(name: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of HTML cells, the first of each row its header; `name` is read out where it scrolls."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(
        f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in rest) + "</tr>\n"
        for first, *rest in rows
    )
    # A region that scrolls must be reachable by keyboard.
    return (
        f'<div class="scroll" role="region" aria-label="{escape(name)}" tabindex="0"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n"
    )


def json_block(document: bytes, is_: str) -> str:
    """A JSON document, laid out and coloured; `is_` names its type for whoever checks the examples."""
    text = laid_out(json.loads(document))
    return f'<pre class="json" data-is="{escape(is_)}" tabindex="0"><code>{_coloured(text)}</code></pre>\n'


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


def _lines(items: list[str], columns: int) -> list[str]:
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


def _coloured(text: str) -> str:
    """JSON as HTML in which keys, texts and other values have classes of their own."""
    done: list[str] = []
    at = 0
    for found in TOKEN.finditer(text):
        done.append(escape(text[at : found.start()]))
        string, colon, word, number = found.groups()
        kind = "k" if colon else "s" if string else "w" if word else "n"
        done.append(f'<span class="{kind}">{escape(string or word or number)}</span>{colon or ""}')
        at = found.end()
    return "".join(done) + escape(text[at:])


def http_block(lines: Iterable[str], kind: str) -> str:
    """The head of a request or an answer."""
    return f'<pre class="http {kind}" tabindex="0"><code>{escape(chr(10).join(lines))}</code></pre>\n'


def contents(body: str) -> str:
    """The table of contents of a page: its second-level headings, each with those of the third level under it."""
    items: list[str] = []
    inner: list[str] = []
    for level, target, html in HEADING.findall(body):
        entry = f'<a href="#{target}">{TAG.sub("", html)}</a>'
        if level == "3":
            inner.append(f"<li>{entry}</li>")
            continue
        items.append(_nested(inner) + (f"</li>\n<li>{entry}" if items else f"<li>{entry}"))
        inner = []
    entries = "".join(items) + _nested(inner)
    return f'<nav class="toc" aria-label="On this page">\n<p>On this page</p>\n<ol>\n{entries}</li>\n</ol>\n</nav>'


def _nested(entries: list[str]) -> str:
    return f"<ol>{''.join(entries)}</ol>" if entries else ""


def page(title: str, intro: str, body: str = "", *, here: str) -> bytes:
    """A whole page: what it begins with, its table of contents where it has a `body`, the body; `here` is its path."""
    places = (
        ("/", "The hub"),
        ("/docs", "Reference"),
        ("/docs/errors", "Errors"),
        ("/schema/openapi.json", "OpenAPI"),
        ("/schema/asyncapi.json", "AsyncAPI"),
    )
    links = "".join(
        f'<a href="{target}"' + (' aria-current="page"' if target == here else "") + f">{name}</a>"
        for target, name in places
    )
    values = {"title": escape(title), "style": part("page.css"), "links": links, "intro": intro, "body": body}
    return filled("frame.html", {**values, "toc": contents(body) if body else ""}).encode()
