"""The C files of this folder as libraries that are loaded before libc: clocks that are set, disks that hang or fail."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from tests.faults.strace_run import need

# LD_PRELOAD is a list parted by spaces, and the folder for temporary files may have one in its name.
_folder = TemporaryDirectory(dir="/var/tmp" if " " in gettempdir() else None)


@cache
def preloaded(name: str) -> str:
    """The library made of the C file of this name, for LD_PRELOAD: one for all tests of a process.

    Without a compiler the test skips, or fails where the fault tests are required in full.
    """
    source, library = Path(__file__).with_name(f"{name}.c"), Path(_folder.name, f"{name}.so")
    command = [need("cc"), "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True, timeout=60)
    return str(library)
