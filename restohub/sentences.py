"""This file is sentences on a terminal: in lines that end between words, where a pipe or a log has one line."""

from __future__ import annotations

import os
import sys
import textwrap
from typing import TextIO

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


def complain(sentence: str) -> None:
    """Say on stderr what is wrong."""
    typer.echo(wrapped(sentence, sys.stderr), err=True)
