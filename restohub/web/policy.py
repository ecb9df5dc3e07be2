"""The policy of a route: whether whoever asks may have what it gives."""

from __future__ import annotations

from restohub.access.roles import Need, suffices
from restohub.floor.outcomes import Refused
from restohub.wire.problems import Problem

from .adopted import came_over, is_looked_at, note_visitor
from .connection_log import agent_text
from .request import Request

# RFC 9110, section 11.6.1: a 401 says how to come by more.
CHALLENGE = (("WWW-Authenticate", 'Bearer realm="restohub"'),)
TOO_SMALL = {
    "host": "This device may look at the floor, but not change it.",
    "manager": "This device may not do this: it is for a manager.",
}

UNCONFIRMED = "The hub's data were put back from a copy, and this manager's device is not confirmed yet."
CONFIRM = "It works as a host until `restohub devices confirm` on the hub's own machine."


def check_token(request: Request, need: Need) -> None:
    """Let a request on whose token's device may do what needs this; raises Problem, a 401 or a 403."""
    device = request.device
    if device is None:
        if request.hub.access.closed and is_looked_at(request.hub, request.authorization, request.caller):
            agent = agent_text((request.header(b"user-agent") or "").encode("latin-1"))
            note_visitor(request.hub, request.authorization, request.caller, came_over(request.scope), agent)
        raise Problem(Refused("token_invalid" if request.token else "token_required"), headers=CHALLENGE)
    if need == "manager" and device.role == "manager" and device.restored_from is not None:
        raise Problem(Refused("not_permitted", UNCONFIRMED, hint=CONFIRM))
    if not suffices(device.role, need):
        hint = f"The device {device.name[:100]!r} has the role {device.role}; this needs {need}."
        raise Problem(Refused("not_permitted", TOO_SMALL[need], hint=hint))


def confirm_role(request: Request, need: Need = "manager") -> None:
    """Let a request on whose token still does: its body may have come long after it began; raises Problem."""
    request.forget_device()
    check_token(request, need)
