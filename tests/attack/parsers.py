"""The two HTTP parsers that the hub may have: httptools, and h11 where there is no httptools (Windows)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def without_httptools(folder: Path) -> dict[str, str]:
    """The environment of a machine that has no httptools, as Windows has none: uvicorn takes h11 then."""
    (folder / "httptools.py").write_text("raise ImportError")
    paths = [str(folder), str(Path(__file__).parents[2])]
    env = {"PYTHONPATH": os.pathsep.join(paths)}
    tried = subprocess.run(
        [sys.executable, "-c", "import httptools"], env={**os.environ, **env}, capture_output=True, check=False
    )
    assert tried.returncode == 1
    return env
