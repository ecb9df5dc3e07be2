"""The options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
DataAsServe = Annotated[
    Path | None, typer.Option(readable=False, help="Folder that holds the data. [default: as for serve]")
]
