"""Text on a terminal: wrapped between words there, on one line where a pipe or a log reads it."""

from __future__ import annotations

import os
import sys
import textwrap
from typing import NoReturn, TextIO

import typer


def wrapped(sentence: str, stream: TextIO | None, columns_max: int = 1_000) -> str:
    """A sentence as this stream is to show it."""
    if stream is None or not stream.isatty():
        return sentence
    columns = min(columns_of(stream) - 1, columns_max)
    return textwrap.fill(sentence, columns, break_long_words=False, break_on_hyphens=False)


def columns_of(stream: TextIO) -> int:
    """The terminal's width; 80 where it does not say."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except OSError:
        return 80


def print_error(sentence: str) -> None:
    """Say on stderr what is wrong."""
    typer.echo(wrapped(sentence, sys.stderr), err=True)


def print_text(text: str, *, to: TextIO | None = None) -> None:
    """Print a line, with `?` for what the stream's encoding does not have."""
    stream = to or sys.stdout
    encoding = stream.encoding or "utf-8"
    typer.echo(text.encode(encoding, "replace").decode(encoding), file=stream)


def exit_with_error(sentence: str) -> NoReturn:
    """Say on stderr what is wrong, and end with status 1."""
    print_error(sentence)
    sys.exit(1)
