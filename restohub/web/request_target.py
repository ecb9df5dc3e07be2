"""Request targets in absolute form, as a proxy is sent them and anybody may send (RFC 9112)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/]*)(.*)", re.DOTALL)


def taken_apart(scope: Any) -> bytes | None:
    """The authority of an absolute-form target, whose path alone becomes the scope's; None for any other target."""
    found = ABSOLUTE.fullmatch(scope["raw_path"])
    if found is None:
        return None
    scope["path"] = unquote(found[2].decode("latin-1")) or "/"
    authority: bytes = found[1]
    return authority
