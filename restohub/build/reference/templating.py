"""The Jinja2 templates and their filters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from restohub.web.route import Route
from restohub.wire.problems import ProblemDocument

from .markup import code, coloured, contents, inline, json_block
from .schema_tables import body_words, field_rows, filled_entity, own_docstring, own_fields, query_rows, type_name


def rendered(template: str, **values: Any) -> bytes:
    """A page from its template; raises UndefinedError for a value that is missing."""
    return (ENVIRONMENT.get_template(template).render(values).rstrip() + "\n").encode()


def _sent_type(route: Route) -> str:
    return type_name(route.body) if route.body is not None else ""


def _answer_type(route: Route, status: int) -> str:
    body = route.answers.get(status, ProblemDocument)
    return type_name(body) if body is not None else ""


ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters.update(
    inline=inline,
    code=code,
    json=json_block,
    coloured=coloured,
    contents=contents,
    type=body_words,
    query_rows=query_rows,
    sent_type=_sent_type,
    answer_type=_answer_type,
    says=own_docstring,
    field_rows=field_rows,
    filled_entity=filled_entity,
    own_fields=own_fields,
)
