"""A URL as a QR code in a terminal, two modules a character."""

from __future__ import annotations

import io
import os
from typing import TextIO

from .terminal import columns_of

MARGIN = 2
BLOCKS = "█▀▄"
# White and black are said outright: drawn in the terminal's own colours, the code is a negative on every light one.
WHITE_ON_BLACK, WHITE, USUAL = "\x1b[97;40m", "\x1b[97m", "\x1b[0m"


def qr_lines(url: str, stream: TextIO) -> list[str]:
    """The lines of the code; none where the stream cannot show it."""
    if not _shows_blocks(stream):
        return []
    import segno  # 20 ms, for terminals alone

    drawn = io.StringIO()
    segno.make_qr(url).terminal(drawn, border=MARGIN, compact=True)
    *lines, last = drawn.getvalue().splitlines()
    if columns_of(stream) < len(last):
        return []
    # The number of rows is odd: beneath the last one the terminal's own ground goes on.
    return [*(f"{WHITE_ON_BLACK}{line}{USUAL}" for line in lines), f"{WHITE}{last}{USUAL}"]


def _shows_blocks(stream: TextIO) -> bool:
    """Whether it is a terminal with these characters and colours."""
    if not stream.isatty() or os.environ.get("TERM") == "dumb" or os.environ.get("NO_COLOR"):
        return False
    try:
        BLOCKS.encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
