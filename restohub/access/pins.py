"""PINs: what the hub keeps of one, and whether a typed one is the same.

All PINs of four digits are tried in minutes, however slow the hash. So they are hashed with a pepper, 256 random bits
that lie beside the database and in no backup: whoever has only the database or a backup cannot try any.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import scrypt, sha256

PEPPER_BYTES = 32
TAG_BYTES, SALT_BYTES, HASH_BYTES = 8, 16, 32
# 16 MiB and 45 ms of a desktop's processor. A larger cost would help only against one who has the pepper too, and four
# digits hold him up for hours at best; a small machine has to do it while guests wait.
COST, BLOCKS, MEMORY_MAX = 2**14, 8, 32 * 1024 * 1024


def new_pepper() -> bytes:
    """A pepper that nobody knows."""
    return secrets.token_bytes(PEPPER_BYTES)


def keep_pin(pin: str, pepper: bytes) -> bytes:
    """What the hub keeps of a PIN: by which pepper, with which salt, and the hash. Takes long: call it in a thread."""
    salt = secrets.token_bytes(SALT_BYTES)
    return tag_of(pepper) + salt + _hash(pin, pepper, salt)


def is_of(kept: bytes | None, pepper: bytes | None) -> bool:
    """Whether a kept PIN was hashed with this pepper: with any other one no PIN would fit."""
    return kept is not None and pepper is not None and kept[:TAG_BYTES] == tag_of(pepper)


def fits(pin: str, kept: bytes | None, pepper: bytes | None) -> bool:
    """Whether this is the PIN; takes as long where there is none to compare with. Call it in a thread."""
    known = is_of(kept, pepper)
    made_up = bytes(TAG_BYTES + SALT_BYTES + HASH_BYTES)
    compared = kept if known and kept is not None else made_up
    salt, wanted = compared[TAG_BYTES:-HASH_BYTES], compared[-HASH_BYTES:]
    return hmac.compare_digest(_hash(pin, pepper or b"", salt), wanted) and known


def tag_of(pepper: bytes) -> bytes:
    """By what a pepper is known again; of 256 random bits it tells nothing."""
    return sha256(b"restohub pepper" + pepper).digest()[:TAG_BYTES]


def _hash(pin: str, pepper: bytes, salt: bytes) -> bytes:
    keyed = hmac.digest(pepper, pin.encode(), "sha256")
    return scrypt(keyed, salt=salt, n=COST, r=BLOCKS, p=1, maxmem=MEMORY_MAX, dklen=HASH_BYTES)
