"""The header by which an app that cannot pair may be known: what the hub watches of an `Authorization`."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from hashlib import sha256

import msgspec
from msgspec import Struct

from restohub.limits import HEADER_CHARACTERS_MIN

from .tokens import TOKEN_START

# RFC 7617: a password that people chose can be found by its hash.
GUESSABLE = b"basic"
# The year 36812: what a JWT says beyond it is no time.
TIME_MAX = 1 << 40


class Sent(Struct, frozen=True):
    """A header that was sent: its SHA-256 (b"" where it counts as none), and when its JWT ends (UTC seconds)."""

    digest: bytes = b""
    expires_at: int | None = None


class _Claims(Struct):
    exp: int | float | None = None


def digest_of_header(header: bytes) -> bytes:
    """The SHA-256 by which a device may be known; b"" for a header that says of nobody who it is.

    That is one with fewer than 32 characters behind its scheme (`Bearer null`), one of Basic, and a token of a hub.
    """
    credential = _credential(header)
    if len(credential) < HEADER_CHARACTERS_MIN or credential.startswith(TOKEN_START):
        return b""
    return b"" if header[: len(GUESSABLE)].lower() == GUESSABLE else sha256(header).digest()


def sent_by(header: bytes | None) -> Sent:
    """What is watched of a header."""
    digest = b"" if header is None else digest_of_header(header)
    return Sent(digest, _expiry(_credential(header))) if header and digest else Sent()


def _credential(header: bytes) -> bytes:
    """What comes behind the scheme; the whole header where it has none."""
    return header[header.find(b" ") + 1 :].strip()


def _expiry(credential: bytes) -> int | None:
    """The `exp` of a JWT (RFC 7519), in UTC seconds; None where it is none, or has none."""
    parts = credential.split(b".")
    if len(parts) != 3:  # header, claims, signature
        return None
    try:
        claims = msgspec.json.decode(urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4)), type=_Claims)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return None
    return int(claims.exp) if claims.exp is not None and 0 <= claims.exp < TIME_MAX else None
