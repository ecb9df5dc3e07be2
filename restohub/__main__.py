"""The entry point of `restohub` and `python -m restohub`: a stop signal counts from the first moment on."""

from __future__ import annotations

import gc
import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130


def main() -> None:
    """Run the command line; it takes half of the time of a start to import it, and a stop may come before."""
    if sys.argv[1:2] == ["serve"]:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Windows has no SIGHUP; nohup starts programs that ignore it
            one = getattr(signal, name, None)
            if one is not None and signal.getsignal(one) is not signal.SIG_IGN:
                signal.signal(one, _leave)
        gc.disable()  # of what a start makes nothing is garbage; once the hub is there, it says how it collects
    try:
        from restohub.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _leave(_: int, __: FrameType | None) -> None:
    """Nothing was promised to anyone yet: what the store holds is whole at every moment, as after a power cut.

    Once the hub listens, uvicorn's own handlers stand in this one's place. After its stop a second signal leaves the
    write-ahead log to the next start.
    """
    os._exit(0)


if __name__ == "__main__":
    main()
