"""The route table: what each route takes, answers and refuses, on one page."""

from __future__ import annotations

from functools import partial
from typing import Any

from restohub.wire.access_bodies import (
    AccessRequest,
    AccessState,
    AdoptionRequest,
    Approval,
    AuditPage,
    DeviceChange,
    DeviceList,
    InvitationMade,
    InvitationRequest,
    PairedDevice,
    Pairing,
    PairingRequest,
)
from restohub.wire.entities import Guest, Restaurant, Table
from restohub.wire.inputs import GuestInput, RestaurantInput, TableInput
from restohub.wire.night_report import NightReport
from restohub.wire.person import ErasureRequest, ErasureTold, PersonHeld, PersonRequest
from restohub.wire.request_schemas import BatchRequest, NewGuest, NewRestaurant, NewTable, QueueRequest, SeatingRequest
from restohub.wire.responses import BatchDone, Delta, Floor, Health, Made, QueueDone, Seating

from .access_mode import get_access, put_access
from .adoption_routes import adopt_device
from .atomic_batches import atomic_batch
from .audit_log import FORMATS, list_audit
from .device_routes import (
    change_device,
    get_pairing,
    invite_device,
    list_devices,
    open_pairing,
    pair_device,
    revoke_device,
)
from .guests import change_status, list_guests
from .guests_and_tables import create, delete, get, update
from .health import health
from .made_by_address import list_made
from .night_reports import night_report
from .offline_queue import sync_batch
from .people_routes import ask_erasure, get_erasure, hold_person
from .restaurants import (
    create_restaurant,
    delete_restaurant,
    get_restaurant,
    list_restaurants,
    update_restaurant,
)
from .route import Parameter, Route
from .staff_table import STAFF
from .sync import delta, full_sync
from .tables import list_tables

INTEGER: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}
ID: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 2**53 - 1}
TEXT: dict[str, Any] = {"type": "string"}
TIME: dict[str, Any] = {"type": "string", "format": "date-time"}
LIMIT = Parameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000}, "At most so many; without it all.")
CURSOR = Parameter("cursor", TEXT, "Where to go on: the `Restohub-Next-Cursor` of the page before.")
RESTAURANT = Parameter("restaurant_id", ID, "The restaurant, 1 by default.")

RESTAURANTS, ONE_RESTAURANT = "/restaurants", "/restaurants/{restaurant_id:str}"
GUESTS, ONE_GUEST = ONE_RESTAURANT + "/guests", ONE_RESTAURANT + "/guests/{guest_id:str}"
TABLES, ONE_TABLE = ONE_RESTAURANT + "/tables", ONE_RESTAURANT + "/tables/{table_id:str}"
ONE_DEVICE = "/api/devices/{device_id:str}"
GROWS = ("limit_reached", "rate_limited")
NO_RESTAURANT = ("restaurant_not_found",)
NO_GUEST, NO_TABLE = (*NO_RESTAURANT, "guest_not_found"), (*NO_RESTAURANT, "table_not_found")
SEATS = ("table_not_found", "table_occupied", "table_unavailable", "party_exceeds_capacity")
FURNISHES = ("guest_not_found", "table_occupied", "table_unavailable", "party_exceeds_capacity", "table_number_taken")

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET", path=RESTAURANTS, name="listRestaurants", handler=list_restaurants, group="restaurants",
        needs="view",
        says="Every restaurant of this hub.", answers={200: list[Restaurant]},
    ),
    Route(
        method="POST", path=RESTAURANTS, name="createRestaurant", handler=create_restaurant, group="restaurants",
        needs="manager",
        says="Make a restaurant; it gets the next free id.", body=NewRestaurant, answers={201: Restaurant},
        refuses=("validation_failed", *GROWS),
    ),
    Route(
        method="GET", path=ONE_RESTAURANT, name="getRestaurant", handler=get_restaurant, group="restaurants",
        needs="view",
        says="One restaurant.", answers={200: Restaurant}, refuses=NO_RESTAURANT,
    ),
    Route(
        method="PUT", path=ONE_RESTAURANT, name="putRestaurant", handler=update_restaurant, group="restaurants",
        needs="manager",
        says="Change a restaurant's own fields: merges the given fields.", body=RestaurantInput,
        answers={200: Restaurant}, refuses=(*NO_RESTAURANT, "validation_failed"),
    ),
    Route(
        method="PATCH", path=ONE_RESTAURANT, name="patchRestaurant", handler=update_restaurant, group="restaurants",
        needs="manager",
        says="Change a restaurant's own fields: merges the given fields.", body=RestaurantInput,
        answers={200: Restaurant}, refuses=(*NO_RESTAURANT, "validation_failed"),
    ),
    Route(
        method="DELETE", path=ONE_RESTAURANT, name="deleteRestaurant", handler=delete_restaurant, group="restaurants",
        needs="manager", grave=True,
        says="Remove a restaurant that has neither guests nor tables; or, by its name, all of it at once.",
        answers={204: None}, refuses=(*NO_RESTAURANT, "restaurant_not_empty", "restaurant_name_differs"),
        query=(
            Parameter("with", {"type": "string", "enum": ["guests,tables"]}, "Its guests and tables go with it."),
            Parameter("name", TEXT, "Its name, exactly: needed beside `with`."),
        ),
    ),
    Route(
        method="GET", path=GUESTS, name="listGuests", needs="view", handler=list_guests,
        says="The guests, by createdAt and id. Where there is more, `Restohub-Next-Cursor` says where to go on.",
        answers={200: list[Guest]}, refuses=NO_RESTAURANT,
        query=(
            Parameter("status", TEXT, "Only guests of this status; may be repeated.", many=True),
            Parameter("table_id", TEXT, "Only the guest of this table."),
            Parameter("q", TEXT, "Only guests whose name or phone has this in it, however it was typed."),
            LIMIT,
            CURSOR,
        ),
    ),
    Route(
        method="POST", path=GUESTS, name="createGuest", needs="host", handler=partial(create, kind="guest"),
        says="A new party; with a `tableId` it is seated, or holds the table where it is a reservation.",
        body=NewGuest, answers={201: Guest}, refuses=(*NO_RESTAURANT, "already_exists", *SEATS, *GROWS),
    ),
    Route(
        method="GET", path=ONE_GUEST, name="getGuest", needs="view", handler=partial(get, kind="guest"),
        says="One guest.", answers={200: Guest}, refuses=NO_GUEST,
    ),
    Route(
        method="PUT", path=ONE_GUEST, name="putGuest", needs="host", handler=partial(update, kind="guest"),
        says="Merge the given fields into a guest; his tables follow.", body=GuestInput,
        answers={200: Guest}, refuses=(*NO_GUEST, "version_conflict", *SEATS, *GROWS),
    ),
    Route(
        method="PATCH", path=ONE_GUEST, name="patchGuest", needs="host", handler=partial(update, kind="guest"),
        says="Merge the given fields into a guest; his tables follow.", body=GuestInput,
        answers={200: Guest}, refuses=(*NO_GUEST, "version_conflict", *SEATS, *GROWS),
    ),
    Route(
        method="DELETE", path=ONE_GUEST, name="deleteGuest", needs="host", handler=partial(delete, kind="guest"),
        says="Remove a guest; his table is free.", answers={204: None}, refuses=(*NO_GUEST, "version_conflict"),
    ),
    Route(
        method="PUT", path=ONE_GUEST + "/status/atomic", name="changeGuestStatus", needs="host", handler=change_status,
        says="Change a guest's status and table in one transaction.", body=SeatingRequest, body_optional=True,
        query=(Parameter("new_status", TEXT, "The app's older form: the status, without a body."),),
        answers={200: Seating}, refuses=(*NO_GUEST, "version_conflict", *SEATS),
    ),
    Route(
        method="GET", path=TABLES, name="listTables", needs="view", handler=list_tables, group="tables",
        says="The tables, by createdAt and id. Where there is more, `Restohub-Next-Cursor` says where to go on.",
        answers={200: list[Table]}, refuses=NO_RESTAURANT,
        query=(
            Parameter("status", TEXT, "Only tables of this status; may be repeated.", many=True),
            Parameter("section", TEXT, "Only tables of this section."),
            LIMIT,
            CURSOR,
        ),
    ),
    Route(
        method="POST", path=TABLES, name="createTable", handler=partial(create, kind="table"), group="tables",
        needs="host",
        says="A new table; without a position it is put on the next free place of a grid.", body=NewTable,
        answers={201: Table}, refuses=(*NO_RESTAURANT, "already_exists", "pin_required", *FURNISHES, *GROWS),
    ),
    Route(
        method="GET", path=ONE_TABLE, name="getTable", needs="view", handler=partial(get, kind="table"), group="tables",
        says="One table.", answers={200: Table}, refuses=NO_TABLE,
    ),
    Route(
        method="PUT", path=ONE_TABLE, name="putTable", handler=partial(update, kind="table"), group="tables",
        needs="host",
        says="Merge the given fields into a table; its guest follows.", body=TableInput,
        answers={200: Table}, refuses=(*NO_TABLE, "version_conflict", "pin_required", *FURNISHES, *GROWS),
    ),
    Route(
        method="PATCH", path=ONE_TABLE, name="patchTable", handler=partial(update, kind="table"), group="tables",
        needs="host",
        says="Merge the given fields into a table; its guest follows.", body=TableInput,
        answers={200: Table}, refuses=(*NO_TABLE, "version_conflict", "pin_required", *FURNISHES, *GROWS),
    ),
    Route(
        method="DELETE", path=ONE_TABLE, name="deleteTable", handler=partial(delete, kind="table"), group="tables",
        needs="host",
        says="Remove a table that nobody has; its number is free again.", answers={204: None},
        refuses=(*NO_TABLE, "version_conflict", "table_occupied", "pin_required"),
    ),
    Route(
        method="GET", path=ONE_RESTAURANT + "/reports/{date:str}", name="nightReport", needs="view",
        handler=night_report, group="restaurants", refuses=(*NO_RESTAURANT, "validation_failed"),
        answers={200: NightReport},
        says="The report of one business day: `2024-01-15`, or `latest`; with `.csv` after it, a table.", sheet=True,
    ),
    Route(
        method="POST", path="/api/v1/atomic/batch", name="atomicBatch", handler=atomic_batch, group="sync",
        needs="host",
        says="1 to 500 operations that happen together or not at all.", body=BatchRequest, query=(RESTAURANT,),
        answers={200: BatchDone},
        refuses=(
            *NO_RESTAURANT, *SEATS, "guest_not_found", "version_conflict", "already_exists", "table_number_taken",
            "pin_required", *GROWS,
        ),
    ),
    Route(
        method="GET", path="/api/sync/full", name="fullSync", needs="view", handler=full_sync, group="sync",
        says="The whole floor at one revision.", query=(RESTAURANT,), answers={200: Floor}, refuses=NO_RESTAURANT,
    ),
    Route(
        method="GET", path="/api/sync/delta", name="deltaSync", needs="view", handler=delta, group="sync",
        says="What changed since a revision or a time, each entity once. Give exactly one of the two.",
        query=(
            RESTAURANT,
            Parameter("since_revision", INTEGER, "The revision that the client has."),
            Parameter("since", TIME, "A commit time, inclusive: applying a change twice does no harm."),
            Parameter("epoch", TEXT, "The epoch that the revision is of."),
            Parameter("limit", LIMIT.schema, "At most so many changes; 1,000 by default."),
        ),
        answers={200: Delta}, refuses=(*NO_RESTAURANT, "revision_expired"),
    ),
    Route(
        method="POST", path="/api/sync/batch", name="syncBatch", needs="host", handler=sync_batch, group="sync",
        says="An off-line queue of 1 to 500 updates, each on its own, all durable before the one answer.",
        body=QueueRequest, query=(RESTAURANT,), answers={200: QueueDone}, refuses=NO_RESTAURANT,
    ),
    Route(
        method="POST", path="/api/pairing", name="openPairing", needs="anyone", handler=open_pairing, group="devices",
        says="A new device asks to be let in: it shows the code until a manager takes it, or comes by an invitation.",
        body=PairingRequest, answers={201: Pairing}, keyed=False,
        refuses=("rate_limited", "limit_reached", "storage_full", "storage_unavailable"),
    ),
    Route(
        method="GET", path="/api/pairing", name="getPairing", needs="anyone", handler=get_pairing, group="devices",
        says="Whether the device was let in meanwhile; it shows its token, and asks every two seconds.",
        answers={200: Pairing}, refuses=("token_required", "token_invalid"),
    ),
    Route(
        method="GET", path="/api/devices", name="listDevices", needs="manager", even_open=True, handler=list_devices,
        group="devices", says="Every device that was paired, and those that wait.", answers={200: DeviceList},
    ),
    Route(
        method="POST", path="/api/devices", name="pairDevice", needs="manager", even_open=True, handler=pair_device,
        group="devices", says="Let in the device that shows a code.", body=Approval, answers={201: PairedDevice},
        keyed=False, refuses=("limit_reached", "storage_full", "storage_unavailable"),
    ),
    Route(
        method="POST", path="/api/adoptions", name="adoptDevice", needs="manager", even_open=True, handler=adopt_device,
        group="devices", says="Let in a device that cannot pair, by what it sends already.", body=AdoptionRequest,
        answers={201: PairedDevice}, keyed=False, refuses=("limit_reached", "storage_full", "storage_unavailable"),
    ),
    Route(
        method="POST", path="/api/invitations", name="inviteDevice", needs="manager", even_open=True,
        handler=invite_device, group="devices", says="A secret that lets in one device, once, within two minutes.",
        body=InvitationRequest, answers={201: InvitationMade}, keyed=False, refuses=("rate_limited",),
    ),
    Route(
        method="PATCH", path=ONE_DEVICE, name="changeDevice", needs="manager", even_open=True, handler=change_device,
        group="devices", says="Give a device another name or another role.", body=DeviceChange,
        answers={200: PairedDevice}, keyed=False, refuses=("device_not_found", "storage_full", "storage_unavailable"),
    ),
    Route(
        method="DELETE", path=ONE_DEVICE, name="revokeDevice", needs="manager", even_open=True, handler=revoke_device,
        group="devices", says="Shut a device out: its sockets are closed, its token is good for nothing.",
        answers={204: None}, keyed=False, refuses=("device_not_found", "storage_full", "storage_unavailable"),
    ),
    Route(
        method="GET", path="/api/access", name="getAccess", needs="manager", even_open=True, handler=get_access,
        group="devices", says="Whether the hub is closed, and who was here in the last 14 days without a token.",
        answers={200: AccessState},
    ),
    Route(
        method="PUT", path="/api/access", name="putAccess", needs="manager", even_open=True, grave=True,
        handler=put_access, group="devices",
        says="Close the hub to devices without a token, or open it again.", body=AccessRequest,
        answers={200: AccessState}, keyed=False, refuses=("devices_unpaired", "storage_full", "storage_unavailable"),
    ),
    Route(
        method="GET", path="/api/audit", name="listAudit", needs="manager", even_open=True, handler=list_audit,
        group="devices", says="Who did what, the latest first.", answers={200: AuditPage}, sheet=True,
        query=(
            Parameter("restaurant_id", INTEGER, "The restaurant, 1 by default; 0 is the restaurants themselves."),
            Parameter("before_revision", ID, "Only what was done before this revision."),
            Parameter("device_id", TEXT, "Only what this device asked for; empty: what no known device did."),
            Parameter("person_id", TEXT, "Only what this person of the staff did; empty: nobody who was signed in."),
            Parameter("entity_id", TEXT, "Only what was done to the guest or table with this id."),
            Parameter("limit", LIMIT.schema, "At most so many commits; 100 by default."),
            Parameter("format", {"type": "string", "enum": list(FORMATS)}, "`csv`: a table for a spreadsheet."),
        ),
        refuses=NO_RESTAURANT,
    ),
    *STAFF,
    Route(
        method="GET", path="/api/made", name="listMade", needs="manager", handler=list_made, group="hub",
        says="What one address made since a time and is still there; for `restohub remove`, on the hub's own machine.",
        query=(
            Parameter("from", TEXT, "The address.", required=True),
            Parameter("since", TIME, "From when on.", required=True),
        ),
        answers={200: Made}, refuses=("not_permitted",),
    ),
    Route(
        method="POST", path=ONE_RESTAURANT + "/people", name="holdPerson", needs="manager", grave=True,
        handler=hold_person, group="people",
        says="All that the hub holds of a person, to hand over; on the hub's own machine.", body=PersonRequest,
        answers={200: PersonHeld}, refuses=(*NO_RESTAURANT, "not_permitted"), keyed=False,
    ),
    Route(
        method="POST", path=ONE_RESTAURANT + "/erasures", name="askErasure", needs="manager", grave=True,
        handler=ask_erasure, group="people",
        says="Have a person forgotten; on the hub's own machine.", body=ErasureRequest,
        answers={202: ErasureTold}, keyed=False,
        refuses=(*NO_RESTAURANT, "not_permitted", "limit_reached", "storage_unavailable"),
    ),
    Route(
        method="GET", path=ONE_RESTAURANT + "/erasures/{erasure_id:str}", name="getErasure", needs="manager",
        handler=get_erasure, group="people", answers={200: ErasureTold},
        says="How far an erasure is; on the hub's own machine.",
        refuses=("not_permitted", "route_not_found"),
    ),
    Route(
        method="GET", path="/api/sync/health", name="syncHealth", needs="view", handler=health, group="hub",
        says="The same as /health.", answers={200: Health, 503: Health},
    ),
    Route(
        method="GET", path="/health", name="health", needs="anyone", handler=health, group="hub",
        says="Whether the hub is well: 503 where a change could not be saved now.",
        answers={200: Health, 503: Health},
    ),
)  # fmt: skip
