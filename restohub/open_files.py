"""How many files and sockets the process may hold open."""

from __future__ import annotations

import sys
from contextlib import suppress

from .limits import OPEN_FILES_MAX


def allow_many_sockets() -> None:
    """Take what the system allows this process: a terminal starts it with 1,024 or, on a Mac, with 256."""
    if sys.platform == "win32":  # has no such limit
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES_MAX if hard == resource.RLIM_INFINITY else min(OPEN_FILES_MAX, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # a sandbox forbids the call; a Mac takes less than it names
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
