"""The last step of every change's handler: commit its command, and answer."""

from __future__ import annotations

from restohub.floor.outcomes import Repeated
from restohub.live.group_commit import Command, Responder, Step
from restohub.wire.problems import Problem, refusal
from restohub.wire.responses import Answer

from .adopted import note_changing
from .attribution import signed, with_author
from .change_request import ChangeRequest, first_answer
from .confirmation import person_behind


async def commit(change: ChangeRequest, command: Command, respond: Responder, *, atomic: bool = False) -> Answer:
    """Have a command decided and committed: the answer that `respond` makes of what it did. Raises Problem."""
    hub, restaurant_id = change.hub, change.floor.restaurant_id
    device = change.request.device
    step = Step(
        command=command, transaction_id=change.transaction_id, atomic=atomic, key=change.key, digest=change.digest,
        device=device.id if device else None,
        person=person_behind(change.request, change.floor, command) if hub.access.staff.in_use else None,
    )  # fmt: skip
    if device is not None:
        respond = signed(respond, device)
    else:
        note_changing(change.request)
    try:
        answer = await hub.writer.submit(restaurant_id, [step], respond, change.request.caller)
    except Problem as fault:
        if fault.refused.current is None or not hub.access.devices:
            raise
        raise await with_author(hub, restaurant_id, fault) from None
    if not isinstance(answer, Repeated):
        return answer
    # Its key was used since `under_key` looked: by the same request, sent twice at once.
    kept = await hub.history.kept_answer(restaurant_id, answer.revision)
    if kept is None:
        raise refusal("busy")  # the key ended at this very moment
    return first_answer(change, kept)
