"""Problems as pages, for browsers that ask for HTML where others get JSON."""

from __future__ import annotations

from html import escape
from typing import Any

from restohub.wire.problems import ProblemDocument
from restohub.wire.responses import Answer

from .html_templates import filled, inline

HTML = (b"content-type", b"text/html; charset=utf-8")


def wants_page(scope: Any) -> bool:
    """Whether a request is a browser's for a page: it reads, and names HTML but no JSON among what it accepts."""
    accepts = b",".join(value for name, value in scope["headers"] if name == b"accept")
    return scope["method"] in ("GET", "HEAD") and b"text/html" in accepts and b"json" not in accepts


def problem_page(found: ProblemDocument) -> Answer:
    """A problem document as a page."""
    said = "".join(f"\n<p>{inline(one)}</p>" for one in (found.detail, found.hint))
    return Answer(found.status, [HTML], filled("problem.html", title=escape(found.title), said=said))
