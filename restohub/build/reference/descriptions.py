"""Descriptions of fields, statuses and codes for the reference, where the code itself has no words for people."""

from __future__ import annotations

GUEST_NOTES = {
    "id": "Yours or the hub's. Never given again, even after a delete.",
    "name": "`firstName` and `lastName` joined. Send it alone and it is split at the first space. Each part holds at "
    "most 100 characters.",
    "firstName": "Needed to create, or else `name`. Not blank.",
    "lastName": "May be empty.",
    "partySize": "Needed to create.",
    "status": "See the statuses below. By default `waitlist`, with a `reservationTime` `confirmed`.",
    "tableId": "The table where the party sits, or which is held for it.",
    "phone": "Not checked further.",
    "email": "Not checked further.",
    "isWalkIn": "True unless there is a `reservationTime`; may be set.",
    "quotedWait": "Minutes that the party was told.",
    "reservationTime": "When the party is expected.",
    "checkInTime": "Stamped when the party starts to wait or sits down, unless you give it.",
    "seatedTime": "Stamped when the party sits down, unless you give it.",
    "finishedTime": "Stamped when the party finishes, unless you give it.",
    "totalVisits": "How many other guests finished a visit with the same phone or e-mail. Counted when the guest is "
    "created or one of the two changes.",
    "phase": "Follows from the status. It never gets new values: use it for a status that your app does not know.",
}
TABLE_NOTES = {
    "id": "Yours or the hub's. Never given again, even after a delete.",
    "tableNumber": "Needed to create. Trimmed, 1 … 20 characters; no two tables share one, and case does not matter.",
    "capacity": "Needed to create.",
    "minCapacity": "By default 1; not more than `capacity`.",
    "status": "See the statuses below. By default `available`.",
    "position": "The app uses 0 … 1 of the floor's width and height. Without one, a new table gets a free place on a "
    "plain grid.",
    "shape": "`round` (default), `square`, `rectangle`, `oval` or `booth`.",
    "rotation": "Degrees; by default 0.",
    "server": "Who serves the table.",
    "currentGuestId": "The guest who sits here, or for whom the table is held.",
}
RESTAURANT_NOTES = {
    "id": "Given by the hub: the next free integer.",
    "name": "Needed to create. Not blank.",
    "timezone": "An IANA zone such as `Europe/Rome`. By default that of the hub's machine.",
    "revision": "The number of the last commit on this restaurant's floor.",
}
GUEST_STATUS_MEANS = {
    "waitlist": "On the waiting list.",
    "confirmed": "Has a reservation.",
    "running_late": "Has a reservation and called to say so.",
    "partially_arrived": "Some of the party are here.",
    "arrived": "All are here and wait for the table.",
    "notified": "Was told that the table is ready.",
    "seated": "Sits at a table, or at the bar without one.",
    "finished": "Ate and left. The visit counts.",
    "cancelled": "Will not come.",
    "no_show": "Did not come.",
    "left": "Walked out before being seated.",
}
TABLE_STATUS_MEANS = {
    "available": "Free.",
    "reserved": "Held: for its guest, or without one for a party that nobody wrote down.",
    "occupied": "Somebody sits there: its guest, or a party that nobody wrote down.",
    "dirty": "To be cleaned. It can be taken.",
    "outOfService": "Cannot be taken.",
}
CLOSES = (
    (1001, "The hub stops.", "Connect again, with pauses that grow (1 s, 2 s, 4 s … 30 s)."),
    (
        1008,
        "You sent more than 50 messages or 200 frames in a second, or a message in more than 64 fragments.",
        "Mend the app; connect again.",
    ),
    (1009, "You sent a message over 64 KiB.", "Mend the app; connect again."),
    (1011, "A fault of the hub.", "Connect again, with pauses that grow."),
    (1013, "The hub is full of sockets, and your address holds most.", "Connect again, with pauses that grow."),
    (4400, "A parameter of the address is wrong. An `error` message before it says which.", "Mend the address."),
    (4401, "The token was refused, or none came. An `error` message before it says why.", "Pair the device."),
    (4404, "The hub has no such restaurant, or it was deleted.", "Ask `GET /restaurants`."),
    (
        4408,
        "Nothing was heard from you for 60 s, you took nothing for 30 s, or not all of a floor or delta in 60 s.",
        "Connect again and resume.",
    ),
)

# When each code is sent. A code that is not listed is shown with its title alone.
HAPPENS = {
    "invalid_json": "The body, or a message on a socket, is not one JSON document in UTF-8: a comma too many, a key "
    "twice, `NaN`, a NUL character, half an emoji. An empty body where one is needed counts as well, and so does a "
    "request that is no HTTP, or has no `Host`, several, or one that is neither a name nor an address.",
    "invalid_query": "A query parameter has a value that cannot be, is given twice, or is not known here.",
    "token_required": "The hub is closed, or the route is for managers, and the request shows no token.",
    "token_invalid": "The token is none of this hub's devices, or its device was revoked.",
    "host_not_allowed": "The `Host` is not the hub's: a foreign web page may have rebound its name to the hub. IP "
    "addresses, names without a dot or under `.local`, `.lan`, `.home`, `.internal` or `.home.arpa`, the name that the "
    "router gives to the hub's machine, and those in the setting `allowed_hosts` pass.",
    "origin_not_allowed": "The `Origin` is a web page of another host or port, or `null`. Native apps that send one "
    "pass with the hub's own host and port.",
    "not_permitted": "The device's role is too small for the route. Or the request comes from an address of the "
    "Internet that is not on the hub's own network.",
    "pin_required": "A manager of the staff has a PIN, and nobody has confirmed at this device what is asked for: to "
    "delete a restaurant, to change the floor plan, the staff or who may use the hub, to show or forget what is held "
    "of a person.",
    "pin_wrong": "The PIN is not that of the person, or there is no such person, or their PIN must be set anew.",
    "person_not_found": "The path names somebody who is not of the staff, or no more.",
    "device_not_found": "The path names a device that was never paired with this hub.",
    "devices_unpaired": "The hub is to be closed while devices without a token are connected.",
    "restaurant_not_found": "The path or `restaurant_id` names a restaurant that this hub does not have.",
    "guest_not_found": "The path, or `currentGuestId` in the body, names a guest who is not on this floor: deleted, "
    "gone with the close of the day, or never here.",
    "table_not_found": "The path, or `tableId` in the body, names a table that this restaurant does not have.",
    "route_not_found": "The hub has no such path. A slash at the end is never the cause.",
    "method_not_allowed": "The path is right, the method is not.",
    "request_timeout": "The request was not whole 10 s after its first byte and had brought less than 16 KB a second, "
    "or was not whole after 75 s. The connection is closed.",
    "upgrade_required": "A plain GET of a socket's path, or a handshake with another `Sec-WebSocket-Version` than 13.",
    "unsupported_media_type": "There is a body, and its `Content-Type` is not JSON.",
    "body_too_large": "The body is larger than 256 KiB; on the two batch routes, larger than 1 MiB.",
    "table_occupied": "The table is taken by, or held for, another party. Also: a table that has a guest is to be "
    "deleted, or one whose guest is seated is to be `reserved`.",
    "table_unavailable": "The table is `outOfService`.",
    "party_exceeds_capacity": "The party is larger than the table that it takes, or the capacity would become smaller "
    "than the party at the table.",
    "table_number_taken": "Another table of the restaurant has this number. Case does not matter: `a1` and `A1` are "
    "the same.",
    "already_exists": "A create gives an id that a guest or table of this restaurant has, or had before it was "
    "deleted.",
    "restaurant_not_empty": "A restaurant that still has guests or tables is to be deleted.",
    "restaurant_name_differs": "A restaurant is to be deleted with its guests and tables, and `name` is not its name.",
    "revision_expired": "The log no longer reaches back to your revision, the revision or the time is from the future, "
    "or the epoch is not ours any more.",
    "version_conflict": "`If-Match` names a version that is not the present one. In an off-line queue: someone else "
    "changed the same field after your `base_version`.",
    "validation_failed": "Fields are missing, are unknown, are given in two spellings, or have values that cannot be. "
    "`errors` lists every one of them.",
    "idempotency_key_reused": "The `Idempotency-Key` came before, with another method, path, query or body, or with "
    "another version of the hub, whose answer cannot be read.",
    "rate_limited": "The address asked for more than 200 units a second (a request is 1, each operation of a batch 1, "
    "each 64 KiB answered 1) after a burst of 2,000, and the request waited for 10 s; or it added more than 1,500 "
    "guests, tables and restaurants, or 4 MB, at once, and more than 500, or 1 MB, an hour after that. In an off-line "
    "queue: keep the update, and send it again later.",
    "head_too_large": "The request's head has more than 100 headers or more than 16 KiB. The connection is closed.",
    "limit_reached": "A floor has 5,000 guests, 1,000 tables and 16 MB of texts at most, a hub 200 restaurants and "
    "32 MB. What is there stays, and may be changed and deleted. In an off-line queue: keep the update, and send it "
    "again later.",
    "internal_error": "A mistake in the hub itself. Its log says more.",
    "storage_full": "The hub's disk has no room. Reading goes on, and deletes are taken: some room is kept for them.",
    "storage_unavailable": "The hub's disk takes no writes: it is read-only, or has failed. Reading goes on.",
    "shutting_down": "The hub is told to stop. What it accepted before is saved and answered.",
    "busy": "1,024 changes wait already. Or there is no place for one more connection (320 an address, 1,024 in all), "
    "socket (128 and 512) or unfinished large body (16 MB and 48 MB); then the connection is closed.",
    "outcome_unknown": "The disk did not answer within 10 s. The change may be saved or not.",
    "invalid_message": "A message on a socket is not one that the hub knows, is binary, or lacks a key.",
    "too_many_messages": "More than 50 messages or 200 frames came within one second, or more than 64 fragments of one "
    "message.",
}
