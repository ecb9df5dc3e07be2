"""The routes of the devices that belong to the hub: pairing one, and what a manager does with them."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from restohub.access.devices import MACHINE_ID, Device, Kept
from restohub.access.pairing import Pending
from restohub.access.roles import Over, Role
from restohub.floor.outcomes import ID_MAX, MISUNDERSTOOD, Params, Refused, invalid, limit_reached, quoted, rate_limited
from restohub.limits import DEVICES_MAX, PAIRING_S
from restohub.live.clock import new_id
from restohub.live.hub import Hub
from restohub.live.ports import StorageFullError, StorageUnavailableError
from restohub.net.urls import hub_urls, qr_fragment
from restohub.wire.access_bodies import (
    Approval,
    DeviceChange,
    DeviceList,
    InvitationMade,
    InvitationRequest,
    PairedDevice,
    Pairing,
    PairingRequest,
    WaitingDevice,
    device_out,
    read_access_body,
)
from restohub.wire.problems import Problem, refusal
from restohub.wire.responses import Answer, json_answer

from .adopted import came_over
from .home import LOOPBACK
from .policy import CHALLENGE, CONFIRM, confirm_role
from .request import Request, read_body, read_document

NO_CODE = "No device shows this code now. Look at the device again: it shows a new code every two minutes."
NO_INVITATION = "This invitation was used already, or is too old. Show a new one."
NO_MANAGER = "A device that was adopted cannot be a manager. Pair it."
REVOKED = "This token was revoked. Make another one."
TOO_MANY_WAIT = "Too many devices wait to be paired. Try again in two minutes."
FOR_THE_MACHINE = "This is done on the hub's own machine alone."
TOO_MANY_DEVICES = "The hub has as many devices as it can have."


async def open_pairing(request: Request) -> Answer:
    """A new device asks to be let in: it waits with a code, or is paired at once by an invitation."""
    hub, pairings = request.hub, request.hub.access.pairings
    asked = read_access_body(await read_json_body(request), PairingRequest)
    digest = bytes.fromhex(asked.token_sha256)
    if hub.access.of_digest(digest) is not None:
        return json_answer(Pairing("paired", None, None, None), 201)
    if hub.access.was_revoked(digest):
        raise Problem(invalid("token_sha256", REVOKED, MISUNDERSTOOD))
    if asked.invitation is not msgspec.UNSET:
        async with hub.access.changing:
            invited = pairings.invited(asked.invitation)
            if invited is None:
                raise Problem(invalid("invitation", NO_INVITATION, NO_INVITATION))
            device = await _pair(hub, digest, invited.name, invited.role, invited.by, came_over(request.scope))
            pairings.use(asked.invitation)
        return json_answer(Pairing("paired", None, None, paired_out(hub, device)), 201)
    pending = pairings.open(digest, request.caller.address, asked.name or "", came_over(request.scope))
    if pending is None:
        raise Problem(rate_limited(TOO_MANY_WAIT, PAIRING_S))
    return json_answer(_waiting(hub, pending), 201)


async def get_pairing(request: Request) -> Answer:
    """Whether the device whose token this is was let in meanwhile."""
    hub = request.hub
    device = hub.access.holder(request.token)
    if device is not None:
        return json_answer(Pairing("paired", None, None, paired_out(hub, device)))
    pending = hub.access.pairings.of_token(request.token)
    if pending is None:
        raise Problem(Refused("token_invalid" if request.token else "token_required"), headers=CHALLENGE)
    return json_answer(_waiting(hub, pending))


async def list_devices(request: Request) -> Answer:
    """Every device that was paired, and those that wait."""
    hub, pairings = request.hub, request.hub.access.pairings
    waiting = [WaitingDevice(one.code, one.name, one.address, pairings.left_s(one)) for one in pairings.waiting()]
    return json_answer(DeviceList([paired_out(hub, one) for one in hub.access.devices.values()], waiting))


async def pair_device(request: Request) -> Answer:
    """Let in the device that shows a code."""
    hub = request.hub
    asked = read_access_body(await read_json_body(request), Approval)
    async with hub.access.changing:
        confirm_role(request)
        pending = hub.access.pairings.showing(asked.code)
        if pending is None:
            raise Problem(invalid("code", NO_CODE, NO_CODE))
        device = await _pair(hub, pending.digest, asked.name, asked.role, read_asker(request), pending.over)
    return json_answer(paired_out(hub, device), 201)


async def invite_device(request: Request) -> Answer:
    """A secret that lets in one device without a code, for a QR code."""
    asked = read_access_body(await read_json_body(request), InvitationRequest)
    confirm_role(request)
    secret = request.hub.access.pairings.invite(asked.name, asked.role, read_asker(request))
    if secret is None:
        raise Problem(rate_limited(TOO_MANY_WAIT, PAIRING_S))
    url = await asyncio.to_thread(_url, request, secret)
    return json_answer(InvitationMade(secret, PAIRING_S, url, await asyncio.to_thread(_qr, url)), 201)


async def change_device(request: Request) -> Answer:
    """Give a device another name or another role, or confirm one that came with a copy of the data."""
    hub, device_id = request.hub, _device(request).id
    asked = read_access_body(await read_json_body(request), DeviceChange)
    if asked.confirmed is not msgspec.UNSET and not (request.device and request.device.id == MACHINE_ID):
        raise Problem(Refused("not_permitted", FOR_THE_MACHINE, hint=CONFIRM))
    async with hub.access.changing:
        confirm_role(request)
        device = hub.access.devices[device_id]
        if device.adopted is not None and asked.role == "manager":
            raise Problem(invalid("role", NO_MANAGER, NO_MANAGER))
        device = msgspec.structs.replace(device, **_given(asked))
        await keep_access(hub, device)
        # It may have been revoked or suspended meanwhile, which waits for nothing.
        seen = hub.access.devices[device_id]
        device = msgspec.structs.replace(device, revoked_at=seen.revoked_at, digest=seen.digest, adopted=seen.adopted)
        hub.access.put(device)
    return json_answer(paired_out(hub, device))


async def revoke_device(request: Request) -> Answer:
    """Shut a device out: at once, also where the disk does not take it now."""
    hub, device = request.hub, _device(request)
    if device.revoked_at is None:
        device = msgspec.structs.replace(device, revoked_at=hub.clock.now())
        hub.access.put_unkept(device)
        hub.access.pairings.withdraw(device.id)
        hub.feed.turn_away(Refused("token_invalid"), lambda one: one == device.id)
    async with hub.access.changing:
        await keep_access(hub, hub.access.devices[device.id])
    return Answer(204, [], b"")


async def read_json_body(request: Request) -> Any:
    """The JSON document of a request; raises Problem."""
    return read_document(request, await read_body(request))


async def keep_access(hub: Hub, what: Kept) -> None:
    """Have the store keep a device or the mode; raises Problem where the disk does not take it."""
    try:
        await hub.writer.keep_access(what)
    except StorageFullError:
        raise refusal("storage_full") from None
    except StorageUnavailableError:
        raise refusal("storage_unavailable") from None


def _url(request: Request, invitation: str) -> str:
    """Where the device goes: as the manager came, who may sit at the hub's own machine; a fragment is never sent."""
    host, endpoint = request.header(b"host") or "", request.hub.endpoint
    if not host or LOOPBACK.fullmatch(host):
        return hub_urls(endpoint).qr_url(f"pair={invitation}")
    fragment = qr_fragment(endpoint.tls_port, endpoint.fingerprint, f"pair={invitation}")
    return f"{request.scope['scheme']}://{host}/{fragment}"


def _qr(url: str) -> list[str]:
    """The rows of a URL's QR code."""
    import segno  # 20 ms, for a manager who asks for it

    return ["".join(map(str, row)) for row in segno.make_qr(url).matrix]


def _given(asked: DeviceChange) -> dict[str, Any]:
    """What a device is from now on: what was not sent stays."""
    sent = {name: value for name, value in msgspec.structs.asdict(asked).items() if value is not msgspec.UNSET}
    return sent | {"restored_from": None} if sent.pop("confirmed", False) else sent


def read_asker(request: Request) -> str:
    """The id of the manager who asks."""
    device = request.device
    return device.id if device else ""


def _device(request: Request) -> Device:
    device_id = str(request.path_params["device_id"])
    device = request.hub.access.devices.get(device_id)
    if device is None:
        hint = f"This hub has no device with the id {quoted(device_id)}. `GET /api/devices` lists those that it has."
        raise Problem(Refused("device_not_found", hint=hint, params=Params(entity_id=device_id[:ID_MAX])))
    return device


async def _pair(hub: Hub, digest: bytes, name: str, role: Role, by: str, over: Over) -> Device:
    """Let a device in, within `changing`: it waits until it is stored."""
    count = len(hub.access.devices)
    if count >= DEVICES_MAX:
        raise Problem(limit_reached("devices", count, DEVICES_MAX, TOO_MANY_DEVICES))
    known = hub.access.of_digest(digest)
    if known is not None:  # by two invitations at once
        return known
    device = Device(new_id(), name, role, digest, hub.clock.now(), by, paired_over=over)
    await keep_access(hub, device)
    hub.access.put(device)
    hub.access.pairings.close(digest)
    return device


def paired_out(hub: Hub, device: Device) -> PairedDevice:
    """A device as a manager sees it."""
    return device_out(device, hub.access.name_of(device.paired_by), len(hub.feed.sockets_of(device.id)))


def _waiting(hub: Hub, pending: Pending) -> Pairing:
    return Pairing("waiting", pending.code, hub.access.pairings.left_s(pending), None)
