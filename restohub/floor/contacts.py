"""How a guest is recognised: names split and joined, phones and e-mails compared."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import blake2b

from .model import Guest
from .text_folding import fold, is_blank

# 96 bits: no two contacts of a hub have the same hash. They are 16 characters, about what a phone has.
HASH_BYTES = 12


def split_name(name: str) -> tuple[str, str]:
    """First and last name of a name in one piece: parted at the first space after something that can be seen."""
    whole = name.strip()
    first, _, last = whole.partition(" ")
    return (whole, "") if is_blank(first) else (first, last.strip())


def visit_of(phone: str | None, email: str | None) -> tuple[str, str]:
    """What two visits are compared by: the phone's digits and the folded e-mail, each "" where there is none."""
    return "".join(c for c in fold(phone or "") if "0" <= c <= "9"), fold(email or "")


def contact_keys(phone: str | None, email: str | None) -> tuple[str, ...]:
    """The keys under which history is asked for this phone and e-mail; none for what is empty."""
    digits, mail = visit_of(phone, email)
    return tuple(key for key, value in ((f"phone:{digits}", digits), (f"email:{mail}", mail)) if value)


def same_party(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two visits share a phone or an e-mail."""
    return bool(one[0] and one[0] == other[0]) or bool(one[1] and one[1] == other[1])


def visit_of_guest(guest: Guest) -> tuple[str, str]:
    """The visit of a guest, as `visit_of` has it."""
    return visit_of(guest.phone, guest.email)


def hashed(visit: tuple[str, str], key: bytes) -> tuple[str, str]:
    """A visit as it is kept of a guest who left the floor: keyed hashes, "" where there is none. 2 µs each.

    Whoever has the key can try all phone numbers: that hides contacts from a reader, it makes nobody anonymous.
    """
    digits, mail = visit
    return _hash(digits, b"phone", key), _hash(mail, b"email", key)


def _hash(text: str, kind: bytes, key: bytes) -> str:
    if not text:
        return ""
    return urlsafe_b64encode(blake2b(text.encode(), digest_size=HASH_BYTES, key=key, person=kind).digest()).decode()
