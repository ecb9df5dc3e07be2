"""This file is the page of errors: for each code when it comes, what to do, and a real document."""

from __future__ import annotations

from http import HTTPStatus

from restohub.wire.codes import CODES, RETRY_AFTER_S, Code

from .described import type_name
from .examples import Examples, route_of
from .manual import answer_html, request_html
from .markup import code, filled, inline, json_block, page, part
from .rehearsal import Exchange
from .words import HAPPENS, RESERVED


def errors_page(examples: Examples) -> bytes:
    """The page `/docs/errors`."""
    by_status: dict[int, list[str]] = {}
    for name, one in CODES.items():
        by_status.setdefault(one.status, []).append(_entry(name, one, examples.errors.get(name)))
    sections = [_section(status, by_status[status]) for status in sorted(by_status, key=lambda s: s or 999)]
    body = "\n".join(sections) + _reserved()
    return page("restohub: errors", part("errors.html"), body, here="/docs/errors")


def _section(status: int, entries: list[str]) -> str:
    title = f"{status} {HTTPStatus(status).phrase}" if status else "On a socket only"
    return f'<section>\n<h2 id="status-{status or "socket"}">{title}</h2>\n{"".join(entries)}</section>'


def _entry(name: str, about: Code, example: Exchange | bytes | None) -> str:
    facts = [("When", inline(HAPPENS.get(name, about.title + "."))), ("What to do", inline(about.hint))]
    facts.append(("Params", ", ".join(map(code, about.params)) or "none"))
    if name in RETRY_AFTER_S:
        facts.append(("Retry-After", f"{RETRY_AFTER_S[name]} s"))
    return _told(name, about.title, facts) + _example(example, about) + "</article>\n"


def _told(name: str, title: str, facts: list[tuple[str, str]]) -> str:
    listed = "".join(f"<dt>{what}</dt><dd>{html}</dd>\n" for what, html in facts)
    return (
        f'<article class="problem"><h3 id="{name}">{code(name)}</h3>\n'
        f'<p class="title">{inline(title)}</p>\n<dl>{listed}</dl>\n'
    )


def _example(example: Exchange | bytes | None, about: Code) -> str:
    match example:
        case Exchange():
            return request_html(example, _asked(example)) + answer_html(example, "ProblemDocument")
        case bytes():
            return json_block(example, "ProblemDocument" if about.status else "ErrorMessage")
    return ""


def _asked(exchange: Exchange) -> str:
    """The type of the request's body, empty where it is to be shown as it was sent."""
    if exchange.sent.get("content-type") != "application/json" or b"invalid_json" in exchange.answer:
        return ""
    return type_name(route_of(exchange).body)


def _reserved() -> str:
    """The contract's codes that this version has no cause for; an app should know them all the same."""
    entries = "".join(
        _told(name, title, [("Status", str(status)), ("When", inline(HAPPENS[name])), ("What to do", inline(remedy))])
        + "</article>\n"
        for name, (status, title, remedy) in RESERVED.items()
        if name not in CODES
    )
    return filled("reserved.html", {"entries": entries}) if entries else ""
