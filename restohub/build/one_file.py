"""The one file's first step: it undoes what PyInstaller's loader leaves behind.

The loader unpacks the program into a temporary folder, runs it as its child, hands signals on to it, and clears up.
"""

from __future__ import annotations

import codecs
import ctypes
import faulthandler
import os
import signal
import sys
from collections.abc import MutableMapping

from restohub.cli.main import main

PR_SET_PDEATHSIG = 1  # prctl(2)
UNPACKED: str = getattr(sys, "_MEIPASS", "")


def own_environment(environ: MutableMapping[str, str]) -> None:
    """Take out of the environment what is the loader's, or meant for it as the process that was started."""
    # The unpacked libraries are not for the programs that this one starts (systemctl).
    environ.pop("LD_LIBRARY_PATH", None)
    if before := environ.pop("LD_LIBRARY_PATH_ORIG", ""):
        environ["LD_LIBRARY_PATH"] = before
    if sys.platform != "win32" and environ.get("WATCHDOG_PID") == str(os.getppid()):
        environ["WATCHDOG_PID"] = str(os.getpid())


def own_process() -> None:
    """Make this process die, be stopped and be debugged as if there were no loader, and know the time zones."""
    # Debian's own come first where there are any; a slim machine has none.
    sys.path.append(held_open(f"{UNPACKED}/tzdata.zip"))
    # Python would look for this one in the unpacked folder, when it first looks up a name.
    codecs.lookup("idna")
    # The loader keeps Python's variables from it, the service's PYTHONFAULTHANDLER too.
    faulthandler.enable()
    if sys.platform != "win32":
        # A terminal's Ctrl-C goes to a whole group; with the loader's it would come twice, and twice means "at once".
        os.setpgid(0, 0)
    if sys.platform == "linux":
        _outlive_nobody()
        _keep_unpacked()


def held_open(path: str) -> str:
    """A path by which a file can be read for as long as this process lives, though it were removed."""
    if sys.platform != "linux":  # elsewhere such a path is not to be had
        return path
    return f"/proc/self/fd/{os.open(path, os.O_RDONLY)}"


def _outlive_nobody() -> None:
    """Stop in good order when the loader was killed: an orphan would hold the port and the data folder."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _keep_unpacked() -> None:
    """Lock the unpacked folder: systemd-tmpfiles, which clears away what is ten days old, leaves a locked one alone."""
    import fcntl

    folder = os.open(UNPACKED, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_SH)


if __name__ == "__main__":
    own_environment(os.environ)
    own_process()
    main()
