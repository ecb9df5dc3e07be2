"""The rule of each field that a client may send, as a sentence for whoever broke it."""

from __future__ import annotations

from .field_names import SHAPE_WORDS

TIMES = ("reservationTime", "checkInTime", "seatedTime", "finishedTime", "notifiedTime")
# What a host types in: of these he is told the rule too. A fault in any other field is the app's.
TYPED = {
    "name": "must be a text that is not blank, each of its two parts at most 100 characters",
    "firstName": "must be a text of 1 to 100 characters, not blank",
    "lastName": "must be a text of at most 100 characters",
    "partySize": "must be a whole number from 1 to 100",
    "phone": "must be a text of at most 40 characters, or null",
    "email": "must be a text of at most 254 characters, or null",
    "notes": "must be a text of at most 2,000 characters, or null",
    "specialRequests": "must be a text of at most 2,000 characters, or null",
    "dietaryRestrictions": "must be a list of at most 50 texts of at most 100 characters",
    "tags": "must be a list of at most 50 texts of at most 100 characters",
    "quotedWait": "must be a whole number of minutes from 0 to 1440, or null",
    "arrivedCount": "must be a whole number from 0 to 100, or null",
    "tableNumber": "must be a text of 1 to 20 characters",
    "capacity": "must be a whole number from 1 to 100",
    "minCapacity": "must be a whole number from 1 to the capacity",
    "section": "must be a text of at most 100 characters, or null",
    "server": "must be a text of at most 100 characters, or null",
    "timezone": "must be the name of an IANA time zone, such as Europe/Rome",
    "turnMinutes": "must be a whole number of minutes from 1 to 1440 for each party size from 1 to 100, or null",
    "locale": "must be a language tag of at most 35 characters, such as it-IT, or null",
    "hours": "must be 12 or 24, or null",
}
SAYS = TYPED | {
    "id": "must be 1 to 64 of A-Z a-z 0-9 . _ - and not dots alone",
    "status": "must be a status: a text",
    "tableId": "must be the id of a table, or null",
    "allowOverCapacity": "must be true or false",
    "isWalkIn": "must be true or false",
    **dict.fromkeys(
        TIMES,
        "must be an RFC 3339 date-time with an offset, such as 2024-01-15T10:30:00Z, or null",
    ),
    "position": 'must be {"x": number, "y": number}, each within ±1,000,000',
    "shape": "must be one of " + ", ".join(SHAPE_WORDS.values()),
    "rotation": "must be a number of degrees within ±1,000,000",
    "currentGuestId": "must be the id of a guest, or null",
}
# A restaurant's name has no two parts.
SAYS_OF_A_RESTAURANT = SAYS | {"name": TYPED["firstName"]}
# Told of a field that has no sentence here, which a test forbids.
WRONG = "must be a value of another kind"
