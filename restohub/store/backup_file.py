"""The file of a backup: a database in gzip, whose comment says what it is, so that `gunzip` opens it too.

The comment names the digest and the length of all that follows, and ends with its own checksum: no flipped bit and no
missing byte goes unseen, not even the bits that gzip passes over. Such a file may be encrypted as a whole: then the
same comment stands in a small file beside it, since the hub that lists, checks and removes backups cannot open them.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from restohub.limits import BACKUP_STEP_BYTES

# gzip (RFC 1952) with a comment; no time and no system, so that there is one header for what it says.
START = b"\x1f\x8b\x08\x10\x00\x00\x00\x00\x00\xff"
# How a file that is encrypted with age begins; its description lies beside it under this ending.
AGE = b"age-encryption.org/v1\n"
DESCRIBED = ".about"
LAYOUT = 1
HEADER_BYTES_MAX = 4096
COMMENT = re.compile(rb"restohub-backup (\d{1,4}) ([0-9a-f]{64}) (\d{16}) (\{.*\}) ([0-9a-f]{8})", re.DOTALL)
# 6 takes twice as long for files that are a twentieth smaller.
LEVEL = 4
# Unpacked it is a thousand times as much at the very most.
READ_BYTES = 64 * 1024
RAW = -zlib.MAX_WBITS

# Told how many bytes were just worked through; waits where the work is to be slow, and may raise BackupError.
Pace = Callable[[int], None]


class BackupError(Exception):
    """A backup cannot be made, read or put back; the text says why and what to do, for a person."""


class Manifest(Struct, frozen=True):
    """What a backup holds: whose data, of when (UTC seconds), up to how many revisions in all, in which format."""

    hub: str
    time: int
    revisions: int
    format: int
    version: str
    bytes: int


class Read(Struct, frozen=True):
    """A header as it was read: what it says, its own length, and the digest and the length of what follows."""

    manifest: Manifest
    length: int
    digest: str
    body_bytes: int


def pack(database: Path, target: Path, manifest: Manifest, pace: Pace) -> None:
    """Write the file of a backup step by step and bring it to the disk; raises OSError and what `pace` does."""
    with target.open("w+b") as file:
        length = file.write(_header(manifest, "0" * 64, 0))
        digest, size = sha256(), 0
        for piece in _deflated(database):
            file.write(piece)
            digest.update(piece)
            size += len(piece)
            synced(file)
            pace(BACKUP_STEP_BYTES)
        header = _header(manifest, digest.hexdigest(), size)
        assert len(header) == length
        file.seek(0)
        file.write(header)
        file.flush()
        os.fsync(file.fileno())


def _deflated(database: Path) -> Iterator[bytes]:
    packer, checksum, size = zlib.compressobj(LEVEL, zlib.DEFLATED, RAW), 0, 0
    with database.open("rb", buffering=0) as file:
        while step := file.read(BACKUP_STEP_BYTES):
            checksum, size = zlib.crc32(step, checksum), size + len(step)
            yield packer.compress(step)
    yield packer.flush() + checksum.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")


def read_header(path: Path) -> Read:
    """What a backup says of itself, with nothing after its header read but its length; raises BackupError.

    Of an encrypted one, the description that lies beside it says so.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEADER_BYTES_MAX)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise BackupError(f"The backup {path} cannot be read ({error.strerror}).") from None
    read = _described(path) if head.startswith(AGE) else parsed_header(path, head)
    if size != read.length + read.body_bytes:
        raise BackupError(f"The backup {path} is damaged: it has {size:,} bytes of {read.length + read.body_bytes:,}.")
    return read


def parsed_header(path: Path, head: bytes) -> Read:
    """What the first bytes of a backup that is not encrypted say of it; raises BackupError."""
    comment, end, _ = head.removeprefix(START).partition(b"\0")
    if not head.startswith(START) or not end:
        raise BackupError(f"{path} is no backup of restohub, or its beginning is damaged.")
    return _parsed(path, comment, len(START) + len(comment) + 1)


def _parsed(path: Path, comment: bytes, length: int) -> Read:
    found = COMMENT.fullmatch(comment)
    if found is None:
        raise BackupError(f"{path} is no backup of restohub, or its beginning is damaged.")
    if int(found[1]) > LAYOUT:
        raise BackupError(f"The backup {path} was made by a newer restohub. Install that version or a newer one.")
    if int(found[5], 16) != zlib.crc32(comment[:-9]):
        raise BackupError(f"The backup {path} is damaged: its beginning fails its checksum.")
    try:
        manifest = msgspec.json.decode(found[4], type=Manifest)
    except ValueError:
        raise BackupError(
            f"The backup {path} was made by another restohub, whose backups this one cannot read."
        ) from None
    return Read(manifest, length, found[2].decode(), int(found[3]))


def is_encrypted(path: Path) -> bool:
    """Whether a file is one of age's; False where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(AGE)) == AGE
    except OSError:
        return False


def description_path(path: Path) -> Path:
    """Where the description of an encrypted backup lies."""
    return path.with_name(f"{path.name}{DESCRIBED}")


def description_of(encrypted: Path, manifest: Manifest) -> bytes:
    """What an encrypted backup holds, readable without its key: the comment that one in gzip has in itself."""
    digest, size = sha256(), 0
    with encrypted.open("rb", buffering=0) as file:
        while step := file.read(BACKUP_STEP_BYTES):
            digest.update(step)
            size += len(step)
    return _comment(manifest, digest.hexdigest(), size) + b"\n"


def _described(path: Path) -> Read:
    beside = description_path(path)
    try:
        return _parsed(beside, beside.read_bytes().rstrip(b"\n"), 0)
    except (OSError, BackupError):
        raise BackupError(
            f"The backup {path} is encrypted, and its description {beside.name} is missing or damaged. What it holds "
            "can be read with its key alone."
        ) from None


def check_bytes(path: Path) -> Manifest:
    """Read a backup to its end and hold it against its own digest; raises BackupError."""
    read = read_header(path)
    digest = sha256()
    for piece in _body(path, read):
        digest.update(piece)
    if digest.hexdigest() != read.digest:
        raise BackupError(f"The backup {path} is damaged: its content fails its checksum.")
    return read.manifest


def unpack(path: Path, target: Path, pace: Pace) -> Manifest:
    """Write the database of a backup, checked byte by byte and brought to the disk; raises BackupError, OSError."""
    read = read_header(path)
    manifest, digest, size, checksum = read.manifest, sha256(), 0, 0
    packed = zlib.decompressobj(RAW)
    damaged = BackupError(f"The backup {path} is damaged: its content fails its checksum.")
    with target.open("xb") as file:
        for piece in _body(path, read):
            digest.update(piece)
            try:
                step = packed.decompress(piece, manifest.bytes - size + 1)
            except zlib.error:
                raise damaged from None
            checksum, size = zlib.crc32(step, checksum), size + len(step)
            if size > manifest.bytes:
                raise damaged
            file.write(step)
            pace(len(step))
        file.flush()
        os.fsync(file.fileno())
    trailer = checksum.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")
    if (digest.hexdigest(), size, packed.eof, packed.unused_data) != (read.digest, manifest.bytes, True, trailer):
        raise damaged
    return manifest


def synced(file: IO[bytes]) -> None:
    """Bring what was written to the disk."""
    file.flush()
    (os.fdatasync if hasattr(os, "fdatasync") else os.fsync)(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file anew, whole or not at all, and bring it to the disk; raises OSError."""
    new = path.with_name(f".{path.name}.new")
    with new.open("wb") as file:
        file.write(content)
        synced(file)
    new.replace(path)
    sync_folder(path.parent)


def _header(manifest: Manifest, digest: str, body_bytes: int) -> bytes:
    return START + _comment(manifest, digest, body_bytes) + b"\0"


def _comment(manifest: Manifest, digest: str, body_bytes: int) -> bytes:
    said = b"restohub-backup %d %s %016d %s" % (LAYOUT, digest.encode(), body_bytes, msgspec.json.encode(manifest))
    return said + b" %08x" % zlib.crc32(said)


def _body(path: Path, read: Read) -> Iterator[bytes]:
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(read.length)
            while piece := file.read(READ_BYTES):
                yield piece
    except OSError as error:
        raise BackupError(f"The backup {path} cannot be read ({error.strerror}).") from None
