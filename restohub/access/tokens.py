"""Tokens: what a device shows to say who it is.

The hub keeps of each its SHA-256 alone. A token has 256 random bits, so its digest needs neither salt nor a slow hash:
nobody finds it by trying.
"""

from __future__ import annotations

import secrets
from hashlib import sha256

BEARER = b"bearer "
TOKEN_START = b"rsto_"
TOKEN_BYTES = 48
HEADER_BYTES = len(BEARER) + TOKEN_BYTES


def new_token() -> str:
    """A token that nobody has."""
    return f"{TOKEN_START.decode()}{secrets.token_urlsafe(32)}"


def digest_of(token: bytes) -> bytes | None:
    """The SHA-256 by which the hub knows a token; None for what is none, by its length."""
    return sha256(token).digest() if len(token) == TOKEN_BYTES else None


def shown_token(header: bytes | None) -> bytes:
    """What an `Authorization` header shows as a token (RFC 6750), whatever it is; b"" where it shows none."""
    return header[7:].strip() if header and header[:7].lower() == BEARER else b""
