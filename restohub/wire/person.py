"""What the hub holds of a person, and how a person is forgotten: requests and answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from restohub.floor import model
from restohub.floor.contacts import visit_of
from restohub.floor.forgetting import Person, person_of
from restohub.floor.outcomes import Fault
from restohub.floor.visits import Visit as KeptVisit

from .entities import Guest, Time, guest_out
from .field_names import escaped
from .inputs import refuse
from .responses import Answer, json_answer
from .times import time_or_none, time_text

ErasurePhase = Literal["waiting", "running", "renewing", "done"]
WAYS = ("phone", "email", "id")
# Fewer digits are the beginning of too many phones.
DIGITS_MIN = 4
TEXT_MAX = 320


class PersonRequest(Struct, kw_only=True):
    """A person: by exactly one of phone, e-mail and the id of a guest; null is none."""

    phone: Annotated[str, Meta(min_length=DIGITS_MIN, max_length=TEXT_MAX)] | UnsetType | None = UNSET
    email: Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)] | UnsetType | None = UNSET
    id: Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)] | UnsetType | None = UNSET


class ErasureRequest(PersonRequest, kw_only=True):
    """A person who is to be forgotten; `renew` has the backups made anew too."""

    backups: Literal["renew", "keep"] | UnsetType = UNSET


class LoggedGuest(Struct):
    """What one commit made of a guest; null where it removed him."""

    revision: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    time: Time
    action: model.Action
    guest: Guest | None


class VisitHeld(Struct):
    """What stays of a visit when the party has left the floor. Its contacts are kept as hashes."""

    guest_id: str
    time: Time
    status: str
    party_size: Annotated[int, Meta(ge=1, le=100)]
    is_walk_in: bool
    quoted_wait: int | None
    reservation_time: Time | None
    check_in_time: Time | None
    seated_time: Time | None
    ended: Time | None
    table_number: str | None
    section: str | None
    server: str | None
    hashed_contacts: bool


class PersonHeld(Struct):
    """All that the hub holds of a person: as guest now, in the log, and as visits."""

    guests: list[Guest]
    log: list[LoggedGuest]
    visits: list[VisitHeld]


class ErasureTold(Struct):
    """How far an erasure is. `done`: since when nothing of the person is in the hub's files but in older backups.

    `guests`: how many guests were found to be this person. `missing`: why older backups are left, where they were to be
    made anew.
    """

    id: str
    state: ErasurePhase
    asked: Time
    done: Time | None
    guests: Annotated[int, Meta(ge=0)]
    missing: list[str]


def read_person(body: Any, key: bytes, *others: str) -> Person:
    """The person whom a body names, by exactly one way; raises Problem `validation_failed`."""
    if not isinstance(body, dict):
        refuse([Fault("", "Send an object with phone, email or id.")])
    faults = [Fault(f"/{escaped(name)}", f"{name} is unknown here.") for name in body if name not in (*WAYS, *others)]
    given = [name for name in WAYS if body.get(name) is not None]
    if len(given) != 1:
        faults.append(Fault("", "Name the person by exactly one of phone, email and id."))
    for name in given:
        faults += _faults_of(name, body[name])
    refuse(faults)
    return person_of(key, *(body.get(name) for name in ("id", "phone", "email")))


def _faults_of(name: str, value: Any) -> list[Fault]:
    if not isinstance(value, str) or not 1 <= len(value) <= TEXT_MAX:
        return [Fault(f"/{name}", f"{name} must be a text of 1 to {TEXT_MAX} characters.")]
    if name == "phone" and len(visit_of(value, None)[0]) < DIGITS_MIN:
        return [Fault("/phone", f"phone must have at least {DIGITS_MIN} digits.")]
    if name == "email" and not visit_of(None, value)[1].strip():
        return [Fault("/email", "email must not be blank.")]
    return []


def wants_renewal(body: Any) -> bool:
    """Whether the backups are to be made anew; raises Problem `validation_failed`."""
    wish = body.get("backups", "keep")
    if wish not in ("renew", "keep"):
        refuse([Fault("/backups", "backups must be renew or keep.")])
    return bool(wish == "renew")


def logged_guest(revision: int, time: int, action: model.Action, guest: model.Guest | None) -> LoggedGuest:
    """What a commit made of a guest."""
    return LoggedGuest(revision, time_text(time), action, None if guest is None else guest_out(guest))


def visit_held(visit: KeptVisit) -> VisitHeld:
    """A visit as it is handed over."""
    served = visit.served
    return VisitHeld(
        guest_id=visit.guest_id,
        time=time_text(visit.at),
        status=visit.status,
        party_size=visit.party_size,
        is_walk_in=visit.is_walk_in,
        quoted_wait=visit.quoted_wait,
        reservation_time=time_or_none(visit.reservation_time),
        check_in_time=time_or_none(visit.check_in_time),
        seated_time=time_or_none(visit.seated_time),
        ended=time_or_none(visit.ended),
        table_number=None if served is None else served.table_number,
        section=None if served is None else served.section,
        server=None if served is None else served.server,
        hashed_contacts=bool(visit.phone or visit.email),
    )


def erasure_answer(told: ErasureTold, status: int) -> Answer:
    """The answer that says how far an erasure is."""
    return json_answer(told, status)
