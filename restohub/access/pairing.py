"""Pairing: the devices that wait to be let in, and the invitations that let one in.

The new device makes its token itself and sends the token's SHA-256 alone. So what is sent, shown and typed while it is
paired opens nothing: whoever reads the digest or learns the code has no token.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from hashlib import sha256

from msgspec import Struct

from restohub.limits import INVITATIONS_MAX, PAIRING_S, PENDING_AN_ADDRESS, PENDING_MAX

from .roles import Over, Role
from .tokens import digest_of

# Without 0, O, 1, I, L and U: nothing that reads as something else, or spells a word.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_CHARACTERS = 6


class Pending(Struct, frozen=True):
    """A device that waits: who it is by its token's digest, from where, over what, its own name, and until when."""

    code: str
    digest: bytes
    address: str
    name: str
    until: float
    over: Over = "http"


class Invitation(Struct, frozen=True):
    """What a manager has said of a device in advance, until when it counts, and who said it."""

    name: str
    role: Role
    by: str
    until: float


class Pairings:
    """All that wait and all that were invited, in memory alone. `now` gives the seconds of a monotonic clock.

    Who waits is never thrown out for a stranger: only the newest of an address that holds several gives way to an
    address that holds fewer.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._pending: dict[str, Pending] = {}
        self._invitations: dict[bytes, Invitation] = {}

    def waiting(self) -> list[Pending]:
        """Those that wait, the oldest first."""
        self._forget_old()
        return list(self._pending.values())

    def left_s(self, pending: Pending) -> int:
        """For how many seconds more it waits."""
        return max(0, round(pending.until - self._now()))

    def open(self, digest: bytes, address: str, name: str, over: Over = "http") -> Pending | None:
        """Have a device wait; the same one that asks again goes on waiting. None where there is no room for it."""
        waiting = self.waiting()
        mine = [one for one in waiting if one.address == address]
        same = next((one for one in mine if one.digest == digest), None)
        if same is not None:
            return same
        if len(mine) >= PENDING_AN_ADDRESS:
            return None
        if len(waiting) >= PENDING_MAX and not self._make_room(waiting, len(mine)):
            return None
        pending = Pending(self.new_code(), digest, address, name, self._now() + PAIRING_S, over)
        self._pending[pending.code] = pending
        return pending

    def showing(self, code: str) -> Pending | None:
        """The device that shows this code, however it was typed; it waits until `close`."""
        self._forget_old()
        return self._pending.get("".join(code.split()).replace("-", "").upper())

    def of_token(self, token: bytes) -> Pending | None:
        """The device that waits with this token."""
        digest = digest_of(token)
        return next((one for one in self.waiting() if one.digest == digest), None)

    def close(self, digest: bytes) -> None:
        """Forget whoever waits with this digest: it was let in."""
        self._pending = {code: one for code, one in self._pending.items() if one.digest != digest}

    def invite(self, name: str, role: Role, by: str) -> str | None:
        """A secret that lets in one device, once and soon; None where too many are out."""
        self._forget_old()
        if len(self._invitations) >= INVITATIONS_MAX:
            return None
        secret = self.new_secret()
        self._invitations[sha256(secret.encode()).digest()] = Invitation(name, role, by, self._now() + PAIRING_S)
        return secret

    def invited(self, secret: str) -> Invitation | None:
        """What was said of whoever has this secret; it counts until `use`."""
        self._forget_old()
        return self._invitations.get(sha256(secret.encode()).digest())

    def use(self, secret: str) -> None:
        """Forget an invitation: it let in a device."""
        self._invitations.pop(sha256(secret.encode()).digest(), None)

    def withdraw(self, by: str) -> None:
        """Forget the invitations of a manager who was shut out."""
        self._invitations = {key: one for key, one in self._invitations.items() if one.by != by}

    def _make_room(self, waiting: list[Pending], held: int) -> bool:
        address, most = Counter(one.address for one in waiting).most_common(1)[0]
        if most <= held + 1:
            return False
        newest = next(one for one in reversed(waiting) if one.address == address)
        del self._pending[newest.code]
        return True

    def new_secret(self) -> str:
        """A secret of 128 bits."""
        return secrets.token_urlsafe(16)

    def new_code(self) -> str:
        """A code that no device shows now."""
        while (code := "".join(secrets.choice(ALPHABET) for _ in range(CODE_CHARACTERS))) in self._pending:
            pass
        return code

    def _forget_old(self) -> None:
        now = self._now()
        self._pending = {code: one for code, one in self._pending.items() if one.until > now}
        self._invitations = {key: one for key, one in self._invitations.items() if one.until > now}
