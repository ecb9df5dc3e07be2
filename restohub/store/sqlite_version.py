"""The version of SQLite, and its known faults."""

from __future__ import annotations

import sqlite3

SQLITE_VERSION = sqlite3.sqlite_version
SOUND_SQLITE = (3, 51, 3)
SOUND_BACKPORTS = ((3, 44, 6), (3, 50, 7))
# The write-ahead log that it concerns came with 3.7.0.
FIRST_SQLITE = (3, 7, 0)


def has_wal_reset_bug(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Whether this SQLite can corrupt a WAL when two connections write or checkpoint at once. The hub has one."""
    if version < FIRST_SQLITE or version >= SOUND_SQLITE:
        return False
    return not any(version[:2] == fixed[:2] and version >= fixed for fixed in SOUND_BACKPORTS)
