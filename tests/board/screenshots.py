"""Takes the pictures of the board: `python -m tests.board.screenshots [FOLDER]`, by default tests/board/pictures.

Each is of a hub of its own in the middle of a sample evening, with few colours, so that it is
small. They are looked at by people, and compared by nobody.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.board.conftest import FLAGS
from tests.board.stage import board_url
from tests.board.views import SIZES, choose_party, drawn, evening, open_edit, show_floor
from tests.conftest import Hub
from tests.evening.chromium import PROGRAMS

FOLDER = Path(__file__).parent / "pictures"
COLOURS, BYTES_MAX = (64, 48, 36, 24, 16), 60_000


def nothing(_: Page) -> None:
    """The board as it opens."""


# file → size, theme, path, what is opened
PICTURES: dict[str, tuple[str, str, str, Callable[[Page], None]]] = {
    "board-dark": ("ipad", "dark", "/", choose_party),
    "board-light": ("ipad", "light", "/", choose_party),
    "edit-dark": ("ipad", "dark", "/", open_edit),
    "upright-light": ("upright", "light", "/", nothing),
    "phone-list-dark": ("phone", "dark", "/", choose_party),
    "phone-floor-dark": ("phone", "dark", "/", show_floor),
    "wall-dark": ("large", "dark", "/?view=queue", nothing),
    "large-light": ("large", "light", "/", nothing),
}


def small(shot: bytes) -> bytes:
    """A picture in as many colours as it may have within its size."""
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    if picture.width > 1200:
        picture = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)
    for colours in COLOURS:
        kept = io.BytesIO()
        picture.quantize(palette=palette(picture, colours), dither=Image.Dither.NONE).save(kept, "PNG", optimize=True)
        if kept.tell() < BYTES_MAX:
            break
    return kept.getvalue()


def palette(picture: Image.Image, colours: int) -> Image.Image:
    """The colours that are seen most, each well apart from the others: a page is of few, and none may change."""
    seen = sorted(picture.getcolors(1 << 24) or [], reverse=True)
    kept: list[tuple[int, ...]] = []
    for _, colour in seen:
        assert isinstance(colour, tuple)
        if len(kept) < colours and all(
            sum(abs(a - b) for a, b in zip(colour, other, strict=True)) > 14 for other in kept
        ):
            kept.append(colour)
    made = Image.new("P", (1, 1))
    made.putpalette([part for colour in kept for part in colour])
    return made


def take(browser: Browser, hub: Hub, name: str) -> bytes:
    """One picture."""
    size, theme, path, opening = PICTURES[name]
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme, locale="en-GB")  # type: ignore[arg-type]  # of the two names
    page = context.new_page()
    page.goto(board_url(hub, path))
    if "queue" in path:
        expect(page.locator("#queue li").first).to_be_visible()
    else:
        drawn(page)
        opening(page)
    page.mouse.move(0, 0)
    shot = page.screenshot()
    context.close()
    return small(shot)


def main() -> None:
    """Take them all."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        sys.exit("Chromium is not installed, so no picture can be taken.")
    with tempfile.TemporaryDirectory(prefix="pictures-") as temporary, sync_playwright() as playwright:
        hub = Hub(Path(temporary) / "data").start()
        try:
            evening(hub)
            browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
            for name in PICTURES:
                picture = take(browser, hub, name)
                (folder / f"{name}.png").write_bytes(picture)
                print(f"{name}.png {len(picture):,} bytes")
            browser.close()
        finally:
            hub.stop()


if __name__ == "__main__":
    main()
