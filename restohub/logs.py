"""This file is the log: one line an event, for a person or for a machine."""

from __future__ import annotations

import json
import logging
import sys
import time

from restohub.config import LogFormat, LogLevel


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON: time (UTC), level, source, message, and the trace of an exception."""
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "source": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def start_log(log_format: LogFormat, level: LogLevel) -> None:
    """Write the hub's log to stderr; of the libraries only what is wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonLines() if log_format == "json" else logging.Formatter("%(asctime)s  %(message)s", "%Y-%m-%d %H:%M:%S")
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("restohub").setLevel(level.upper())
    # Its errors are broken connections and our own crashes, which the hub reports itself.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    # Its warnings are other people's packets and sockets that the next look mends.
    logging.getLogger("zeroconf").setLevel(logging.CRITICAL)
