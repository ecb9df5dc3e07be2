"""This file is the pages for people and the OpenAPI document, as routes."""

from __future__ import annotations

from .routes import Route

PAGES: tuple[Route, ...] = ()
