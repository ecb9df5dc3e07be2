"""Log lines: one an event, for a person or for a machine, and nothing in it about a guest."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Literal

from restohub.text import one_line

from .events import event
from .outlet import Outlet

LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

log = logging.getLogger("restohub")

MESSAGE_CHARACTERS_MAX = 1000
FRAMES_MAX = 12
CAUSES_MAX = 3

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class TextLines(logging.Formatter):
    """The local time and a sentence; after a fault of the hub its trace on lines of its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s  %(message)s", "%Y-%m-%d %H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's own name)
        """The line, whatever a client put into it."""
        record.message = message_of(record)
        return super().formatMessage(record)

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 (logging's own name)
        """Where it happened."""
        return trace_of(ei[1])


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON: time (UTC), level, source, message, the event's own fields, the trace of an exception."""
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "source": record.name,
            "message": message_of(record),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["trace"] = trace_of(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def message_of(record: logging.LogRecord) -> str:
    """A record's sentence on one line; of a library the first line alone, since the others quote what it held."""
    message = record.getMessage()
    if not record.name.startswith("restohub"):
        message = message.partition("\n")[0]
    return one_line(message, MESSAGE_CHARACTERS_MAX)


def trace_of(fault: BaseException | None) -> str:
    """Where a fault came up, and of what kind it is: not its text, which may quote what a guest said."""
    told: list[str] = []
    while fault is not None and len(told) < CAUSES_MAX:
        told.append("".join(traceback.format_tb(fault.__traceback__, -FRAMES_MAX)) + _kind(fault))
        fault = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)
    return "\nand after it:\n".join(reversed(told))


def _kind(fault: BaseException) -> str:
    detail = getattr(fault, "sqlite_errorname", "")
    if isinstance(fault, OSError):
        detail = fault.strerror or ""
    return f"{type(fault).__module__}.{type(fault).__qualname__}" + (f" ({detail})" if detail else "")


def start_log(log_format: LogFormat, level: LogLevel, shared_addresses: Iterable[str] = ()) -> None:
    """Write the hub's log to stderr, where there is one; of the libraries only what is wrong."""
    _hold_standard_files()
    handler = _way_out(shared_addresses)
    handler.setFormatter(JsonLines() if log_format == "json" else TextLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("restohub").setLevel(level.upper())
    # Its errors are broken connections and our own crashes, which the hub reports itself.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    # Its warnings are other people's packets and sockets that the next look mends.
    logging.getLogger("zeroconf").setLevel(logging.CRITICAL)
    # Python would print the text of a fault that nobody caught, and with it what it quotes.
    sys.excepthook = lambda _, fault, __: _uncaught(fault)
    sys.unraisablehook = lambda found: _uncaught(found.exc_value)
    threading.excepthook = lambda found: _uncaught(found.exc_value)


def _hold_standard_files() -> None:
    """Let no socket have the number of a closed stdin, stdout or stderr: libuv aborts when it is to close one."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)


def _way_out(shared_addresses: Iterable[str]) -> logging.Handler:
    try:
        return Outlet(sys.stderr.fileno(), shared_addresses)
    except (AttributeError, OSError):  # closed by whoever started the hub: there is nobody to tell
        return logging.NullHandler()


def _uncaught(fault: BaseException | None) -> None:
    log.critical("A fault of the hub that nothing caught.", exc_info=fault, extra=event("fault"))


def on_loop_fault(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The event loop's own report of a fault, without the values that it would print."""
    fault = context.get("exception")
    told = "A fault of the hub in its event loop." if fault else one_line(str(context.get("message")), 100)
    log.error("%s", told, exc_info=fault, extra=event("fault"))
