"""The Markdown documents as pages: rendered by markdown-it, linked to each other, fit for a phone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape
from mdit_py_plugins.anchors import anchors_plugin

from restohub.web.package_files import documents, packaged

from .markup import coloured
from .templating import rendered

SERVED = ("sync_client.py",)


def document_pages() -> dict[str, bytes]:
    """The page of each document by its name, such as `contract`."""
    return {name: _page(name) for name in documents()}


def document_titles() -> dict[str, str]:
    """The title of each document by its name."""
    return {name: _title(_tokens(name)) for name in documents()}


def _page(name: str) -> bytes:
    tokens = _tokens(name)
    at = next((at for at, one in enumerate(tokens) if one.type == "heading_open" and one.tag == "h2"), len(tokens))
    intro, text = (Markup(MARKDOWN.renderer.render(part, MARKDOWN.options, {})) for part in (tokens[:at], tokens[at:]))
    return rendered("document.html", here="/docs#documents", name=name, title=_title(tokens), intro=intro, text=text)


def _tokens(name: str) -> list[Token]:
    return MARKDOWN.parse(packaged(f"{name}.md").decode())


def _title(tokens: Sequence[Token]) -> str:
    at = next(at for at, one in enumerate(tokens) if one.type == "heading_open" and one.tag == "h1")
    return tokens[at + 1].content


def _link_documents(state: Any) -> None:
    """Lead links from file to file to the pages; one to a file that no hub has keeps its text alone."""
    for block in state.tokens:
        kept: list[Token] = []
        dropped = False
        for one in block.children or ():
            if one.type == "link_open":
                target = _target(str(one.attrs["href"]))
                dropped = target is None
                one.attrs["href"] = target or ""
            if not (dropped and one.type in ("link_open", "link_close")):
                kept.append(one)
        if block.children:
            block.children = kept


def _target(href: str) -> str | None:
    """Where a link of a document leads on the hub; None for nowhere."""
    if href.startswith(("#", "/", "https://", "http://")):
        return href
    path, mark, place = href.partition("#")
    if path in SERVED:
        return f"/docs/{path}"
    return f"/docs/{path.removesuffix('.md')}{mark}{place}" if path.removesuffix(".md") in documents() else None


def _name_tables(state: Any) -> None:
    """Give each table the name of the heading above it, and its cells what a screen reader asks for."""
    heading, tag, first = "", "td", False
    for at, one in enumerate(state.tokens):
        if one.type == "heading_open":
            heading = state.tokens[at + 1].content
        elif one.type == "table_open":
            one.meta["name"] = heading
        elif one.type == "tr_open":
            first = True
        elif one.type in ("th_open", "td_open"):
            scope = "col" if one.type == "th_open" else "row" if first else ""
            one.attrs = {"scope": scope} if scope else {}
            one.tag = tag = "th" if scope else "td"
            first = False
        elif one.type == "td_close":
            one.tag = tag


def _table_open(_renderer: Any, tokens: Sequence[Token], at: int, *_: Any) -> str:
    name = escape(tokens[at].meta["name"])
    return f'<div class="scroll" role="region" aria-label="{name}" tabindex="0"><table>\n'


def _fence(_renderer: Any, tokens: Sequence[Token], at: int, *_: Any) -> str:
    text = coloured(tokens[at].content.rstrip("\n"), tokens[at].info or "text")
    return f'<pre class="sh" tabindex="0"><code>{text}</code></pre>\n'


def _markdown() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False}).enable("table").use(anchors_plugin, max_level=4)
    made.core.ruler.push("link_documents", _link_documents)
    made.core.ruler.push("name_tables", _name_tables)
    # A region that scrolls must be reachable by keyboard (WCAG 2.1.1).
    made.add_render_rule("table_open", _table_open)
    made.add_render_rule("table_close", lambda *_: "</table></div>\n")
    made.add_render_rule("fence", _fence)
    return made


MARKDOWN = _markdown()
