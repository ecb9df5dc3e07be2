"""The routes of the staff, as a part of the route table."""

from __future__ import annotations

from restohub.wire.staff_bodies import NewPerson, PersonChange, SignedIn, StaffList, StaffMember, TypedPin

from .route import Route
from .sign_in import get_sign_in, sign_in, sign_out, step_up
from .staff_routes import change_person, create_person, list_staff, remove_person

ONE_PERSON = "/api/staff/{person_id:str}"
STORED = ("storage_full", "storage_unavailable")

STAFF: tuple[Route, ...] = (
    Route(
        method="GET", path="/api/staff", name="listStaff", needs="host", even_open=True, handler=list_staff,
        group="staff", says="Everybody of the staff.", answers={200: StaffList},
    ),
    Route(
        method="POST", path="/api/staff", name="createPerson", needs="manager", even_open=True, grave=True,
        handler=create_person, group="staff", says="Add somebody to the staff, with a PIN.", body=NewPerson,
        answers={201: StaffMember}, keyed=False, refuses=("limit_reached", "rate_limited", *STORED),
    ),
    Route(
        method="PATCH", path=ONE_PERSON, name="changePerson", needs="manager", even_open=True, grave=True,
        handler=change_person, group="staff", says="Give somebody of the staff another name, role or PIN.",
        body=PersonChange, answers={200: StaffMember}, keyed=False,
        refuses=("person_not_found", "rate_limited", *STORED),
    ),
    Route(
        method="DELETE", path=ONE_PERSON, name="removePerson", needs="manager", even_open=True, grave=True,
        handler=remove_person, group="staff",
        says="Remove somebody from the staff; what they did keeps their id and name.",
        answers={204: None}, keyed=False, refuses=("person_not_found", *STORED),
    ),
    Route(
        method="GET", path="/api/sign-in", name="getSignIn", needs="host", even_open=True, handler=get_sign_in,
        group="staff", says="Who is signed in on this device, and which manager has confirmed what it asks for.",
        answers={200: SignedIn},
    ),
    Route(
        method="POST", path="/api/sign-in", name="signIn", needs="host", even_open=True, handler=sign_in,
        group="staff", says="Sign somebody in on this device: what it changes from now on is theirs.", body=TypedPin,
        answers={200: SignedIn}, keyed=False, refuses=("pin_wrong", "not_permitted", "rate_limited"),
    ),
    Route(
        method="DELETE", path="/api/sign-in", name="signOut", needs="host", even_open=True, handler=sign_out,
        group="staff", says="Sign out whoever is signed in on this device; nothing is confirmed any more.",
        answers={204: None}, keyed=False,
    ),
    Route(
        method="POST", path="/api/step-up", name="stepUp", needs="host", even_open=True, handler=step_up,
        group="staff", says="A manager confirms with a PIN what this device asks for in the next 5 minutes.",
        body=TypedPin, answers={200: SignedIn}, keyed=False, refuses=("pin_wrong", "not_permitted", "rate_limited"),
    ),
)  # fmt: skip
