"""Encryption of backups to an age public key (age-encryption.org/v1), by pyrage, which is an optional part.

To a key and not to a passphrase: the hub has nobody to type one in, and would have to keep it beside the data. What the
hub keeps can only encrypt; the secret half is shown once and opens the files, here or with the program `age`.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from msgspec import Struct

from restohub.limits import BACKUP_STEP_BYTES

from .backup_file import BackupError, Pace, synced

# What pyrage makes of secret keys; it has no types.
SecretKeys = list[Any]

SECRET = "AGE-SECRET-KEY-1"
SECRET_BYTES_MAX = 64 * 1024
MISSING = (
    "Backups are encrypted by a part that is not installed. In the folder that restohub was installed "
    "from, say `.venv/bin/pip install '.[encryption]'`."
)


class KeyPair(Struct, frozen=True):
    """A public key, to which backups are encrypted, and its secret half, which opens them."""

    public: str
    secret: str


def new_pair() -> KeyPair:
    """A new key; raises BackupError."""
    made = _pyrage().x25519.Identity.generate()
    return KeyPair(str(made.to_public()), str(made))


def fault_of(key: str | None) -> str | None:
    """Why nothing can be encrypted to a key, as a sentence for a person; None where it can, or is not to be."""
    try:
        if key is not None:
            _recipient(key)
    except BackupError as error:
        return str(error)
    return None


def encrypt(source: Path, target: Path, key: str, pace: Pace) -> None:
    """Encrypt a file and bring it to the disk, a step at a time; raises BackupError, OSError and what `pace` does."""
    with source.open("rb", buffering=0) as plain, target.open("xb") as file:
        _pyrage().encrypt_io(plain, _Stepwise(file, pace), [_recipient(key)])
        synced(file)


def decrypt(source: Path, target: Path, keys: SecretKeys, pace: Pace) -> None:
    """Decrypt a file, every byte of which is held against its own checksums; raises BackupError, OSError."""
    with target.open("xb") as file:
        _decrypt(source, _Stepwise(file, pace), keys)


def beginning_of(source: Path, keys: SecretKeys, wanted: int) -> bytes:
    """What a file begins with, decrypted: so many bytes at least, where it has them; raises BackupError."""
    found = _Beginning(wanted)
    with suppress(_EnoughError):
        _decrypt(source, found, keys)
    return found.bytes


def _decrypt(source: Path, target: _Stepwise | _Beginning, keys: SecretKeys) -> None:
    pyrage = _pyrage()
    try:
        with source.open("rb") as file:
            pyrage.decrypt_io(file, target, keys)
    except pyrage.DecryptError as error:
        if "matching" in str(error):
            raise BackupError(f"The backup {source} was encrypted to another key than the one given.") from None
        raise BackupError(f"The backup {source} is damaged: its beginning cannot be decrypted.") from None
    except OSError as error:
        if error.errno is None:  # one of age's own
            raise BackupError(f"The backup {source} is damaged: it cannot be decrypted to its end.") from None
        raise


def secret_keys(file: Path) -> SecretKeys:
    """The secret keys of a file, one a line, as `age-keygen` writes them; raises BackupError."""
    try:
        with file.open("rb") as opened:
            lines = opened.read(SECRET_BYTES_MAX).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeError):
        raise BackupError(f"The key file {file} cannot be read.") from None
    identity = _pyrage().x25519.Identity
    try:
        found = [identity.from_str(line.strip()) for line in lines if line.strip().startswith(SECRET)]
    except _pyrage().IdentityError:
        found = []
    if not found:
        raise BackupError(f"{file} has no whole secret key, which begins with {SECRET}.")
    return found


class _Stepwise:
    """A file that is brought to the disk a step at a time, with a rest after each."""

    def __init__(self, file: IO[bytes], pace: Pace) -> None:
        self._file = file
        self._pace = pace
        self._waiting = 0

    def write(self, piece: bytes) -> int:
        """Write a piece, of 64 KiB as age makes them."""
        self._file.write(piece)
        self._waiting += len(piece)
        if self._waiting >= BACKUP_STEP_BYTES:
            synced(self._file)
            self._pace(self._waiting)
            self._waiting = 0
        return len(piece)

    def flush(self) -> None:
        """Write what is held back."""
        self._file.flush()


class _EnoughError(Exception):
    """The beginning has been read."""


class _Beginning:
    """Takes so many bytes at least, and ends the reading then."""

    def __init__(self, wanted: int) -> None:
        self.bytes = b""
        self._wanted = wanted

    def write(self, piece: bytes) -> int:
        """Take a piece."""
        self.bytes += piece
        if len(self.bytes) >= self._wanted:
            raise _EnoughError
        return len(piece)

    def flush(self) -> None:
        """Hold nothing back."""


def _recipient(key: str) -> Any:
    pyrage = _pyrage()
    try:
        return pyrage.x25519.Recipient.from_str(key)
    except pyrage.RecipientError:
        raise BackupError(f"The key {key} of `backup_key` is misspelled. Copy it whole.") from None


def _pyrage() -> Any:
    """The library, asked for only where a backup is encrypted; raises BackupError."""
    try:
        import pyrage
    except ImportError:
        raise BackupError(MISSING) from None
    return pyrage
