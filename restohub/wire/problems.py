"""Problems: every refusal as an RFC 9457 problem document, and as an error on a socket."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from restohub.floor import model
from restohub.floor.outcomes import Fault, Occupied, Params, Refused
from restohub.limits import FAULTS_MAX

from .entities import Guest, Restaurant, Table, Time, entity_out, guest_out, restaurant_out, table_out
from .error_codes import CODES, RETRY_AFTER_S
from .messages import Detail, ErrorMessage, Hint
from .times import time_text

MORE_FAULTS = f" There are more than {FAULTS_MAX} faults: {FAULTS_MAX} are listed; fix those first."


class InputError(Struct, kw_only=True):
    """One fault of the input; in a batch with the index of the operation, its code, and a pointer from the root."""

    operation: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    error_code: str | UnsetType = UNSET
    pointer: Annotated[str, Meta(description="A JSON pointer into the body, or `?name` of a query parameter.")]
    detail: Detail
    hint: Hint
    params: Params


class TableAndGuest(Struct):
    """Who is in the way: the table and the guest who has it."""

    table: Table
    guest: Guest | None


# A union of structs without tags is more than msgspec reads, and nobody reads this one here.
Current = Annotated[
    Any,
    Meta(
        description="What is there instead: for `table_occupied` the table and its guest, else the entity itself.",
        extra_json_schema={
            "anyOf": [
                *({"$ref": f"#/components/schemas/{s.__name__}"} for s in (Guest, Table, Restaurant, TableAndGuest)),
                {"type": "null"},
            ]
        },
    ),
]


class ProblemDocument(Struct):
    """An RFC 9457 problem document. `current` is what is there instead, `errors` every fault of the input."""

    type: Annotated[str, Meta(examples=["/docs/errors#table_occupied"])]
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: Detail
    hint: Hint
    params: Params
    error_code: str
    timestamp: Time
    transaction_id: str | None
    current: Current
    errors: list[InputError]
    success: bool | UnsetType = UNSET
    rolled_back: bool | UnsetType = UNSET


class Problem(Exception):
    """Raised where a request cannot be done; becomes a problem document at the edge."""

    def __init__(self, refused: Refused, *, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(refused.hint or refused.detail or refused.code)
        self.refused = refused
        self.headers = headers or ((("Retry-After", str(refused.wait_s)),) if refused.wait_s else ())


def problem(code: str, hint: str = "", faults: tuple[Fault, ...] = (), *, detail: str = "", **headers: str) -> Problem:
    """A problem of this code; `headers` go with the answer (underscores become dashes)."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Problem(Refused(code, detail, faults, hint=hint), headers=named)


def refusal(code: str, detail: str = "") -> Problem:
    """A problem that says when to ask again."""
    return problem(code, detail=detail, Retry_After=str(RETRY_AFTER_S[code]))


def bad_query(parameter: str, hint: str) -> Problem:
    """A query parameter that cannot be as it is."""
    return problem("invalid_query", hint, (Fault(f"?{parameter}", hint),))


def current_out(
    current: model.Entity | Occupied | None, floor_revision: int
) -> Guest | Table | Restaurant | TableAndGuest | None:
    """What stands in the way, as a client sees it."""
    match current:
        case None:
            return None
        case Occupied(table, guest):
            return TableAndGuest(table_out(table), guest_out(guest) if guest else None)
        case model.Restaurant():
            return restaurant_out(current, floor_revision)
        case _:
            return entity_out(current)


def words_of(refused: Refused) -> tuple[str, str]:
    """What a host and what a developer are told: the refusal's own words, else those of its code."""
    code = CODES[refused.code]
    return refused.detail or code.detail, refused.hint or code.hint


def document(
    refused: Refused, time: int, transaction_id: str | None = None, floor_revision: int = 0
) -> ProblemDocument:
    """The problem document of a refusal; `floor_revision` is that of a restaurant in `current`."""
    code = CODES[refused.code]
    detail, hint = words_of(refused)
    unlisted = len(refused.faults) > FAULTS_MAX
    return ProblemDocument(
        type=f"/docs/errors#{refused.code}",
        title=code.title,
        status=code.status,
        detail=detail,
        hint=hint + (MORE_FAULTS if unlisted else ""),
        params=refused.params,
        error_code=refused.code,
        timestamp=time_text(time),
        transaction_id=transaction_id,
        current=current_out(refused.current, floor_revision),
        errors=[_error(refused, fault) for fault in refused.faults[:FAULTS_MAX]],
    )


def _error(refused: Refused, fault: Fault) -> InputError:
    """One fault of a refusal, by the same `params` as the refusal but for the field."""
    params = refused.params if refused.params.field is UNSET else Params(field=fault.field)
    return InputError(pointer=fault.pointer, detail=fault.detail, hint=fault.hint, params=params)


def batch_document(
    refusals: tuple[tuple[int, Refused], ...], pointers: tuple[str, ...], time: int, transaction_id: str
) -> ProblemDocument:
    """The problem of a batch: that of the first failing operation, with one entry for each fault of any.

    `pointers` are those of the operations' data from the root of the body.
    """
    first = document(refusals[0][1], time, transaction_id)
    errors = [
        structs.replace(error, operation=index, error_code=refused.code, pointer=pointers[index] + error.pointer)
        for index, refused in refusals
        for error in _errors_of(refused)
    ]
    if len(errors) > FAULTS_MAX:
        first = structs.replace(first, hint=first.hint.removesuffix(MORE_FAULTS) + MORE_FAULTS)
    return structs.replace(first, errors=errors[:FAULTS_MAX], success=False, rolled_back=True)


def _errors_of(refused: Refused) -> list[InputError]:
    """The faults of a refusal; where it has none, itself."""
    if refused.faults:
        return [_error(refused, fault) for fault in refused.faults]
    detail, hint = words_of(refused)
    return [InputError(pointer="", detail=detail, hint=hint, params=refused.params)]


def error_message(refused: Refused, time: int) -> ErrorMessage:
    """A refusal as a socket says it."""
    detail, hint = words_of(refused)
    return ErrorMessage(time_text(time), refused.code, detail, hint, refused.params)
