"""`python -m restohub.build.reference`: makes the pages, documents and golden files that a hub serves."""

from __future__ import annotations

import asyncio
import shutil
from importlib.metadata import version
from pathlib import Path

import msgspec
import typer

from restohub.web.package_files import DOCS

from .asyncapi import asyncapi_document
from .documents import document_pages, document_titles
from .error_page import errors_page
from .examples import play
from .golden_files import archive, folder, golden_files
from .openapi import openapi_document
from .reference_page import reference_page
from .templating import rendered


def make() -> dict[str, bytes]:
    """Every made file of `docs` by its path, from the code, the templates and the documents alone."""
    examples = asyncio.run(play())
    golden = golden_files(examples)
    release = ".".join(version("restohub").split(".")[:2])
    asyncapi, openapi = asyncapi_document(release, golden), openapi_document(release, golden)
    pages = {
        "reference": reference_page(examples, asyncapi, document_titles()),
        "errors": errors_page(examples),
        "home": rendered("home.html", here="/about"),
        "health": rendered("health.html", here="/health"),
        "report": rendered("report.html", here=""),
        "problem": rendered("problem.html", here=""),
        **document_pages(),
    }
    return {
        **{f"fixtures/{name}": content for name, content in folder(golden).items()},
        **{f"made/{name}.html": page for name, page in pages.items()},
        "made/openapi.json": _laid_out(openapi),
        "made/asyncapi.json": _laid_out(asyncapi),
        "made/fixtures.zip": archive(folder(golden)),
    }


def write(made: dict[str, bytes], docs: Path) -> None:
    """Put the made files into a folder, in the place of those that are there."""
    for old in ("fixtures", "made"):
        shutil.rmtree(docs / old, ignore_errors=True)
    for name, content in made.items():
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        (docs / name).write_bytes(content)


def reference() -> None:
    """Make again what a hub serves from restohub/docs: after each change of what it says, and of the documents."""
    made = make()
    write(made, DOCS)
    typer.echo(f"{len(made)} files in {DOCS}")


def _laid_out(document: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=1)


if __name__ == "__main__":
    typer.run(reference)
