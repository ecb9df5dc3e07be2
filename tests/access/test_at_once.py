"""Two who change the devices at once, on a disk that takes its time: each has its effect, and no device comes back."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from hashlib import sha256
from types import SimpleNamespace
from typing import Any, cast

import pytest

from restohub.access.adoption import Adopted
from restohub.access.devices import Access, Device
from restohub.access.headers import sent_by
from restohub.access.staff import Person
from restohub.access.tokens import new_token
from restohub.access.visitors import Sighting
from restohub.floor.outcomes import Refused
from restohub.live.address_usage import Caller
from restohub.live.ports import StorageFullError
from restohub.upkeep import seen_devices
from restohub.upkeep.seen_devices import keep_seen_devices
from restohub.web.access_mode import put_access
from restohub.web.adoption_routes import adopt_device, adoptable
from restohub.web.device_routes import (
    change_device,
    get_pairing,
    invite_device,
    open_pairing,
    pair_device,
    revoke_device,
)
from restohub.web.error_handlers import CALLER
from restohub.web.policy import check_token
from restohub.web.request import Request
from restohub.web.sign_in import sign_in, step_up
from restohub.web.staff_routes import change_person, create_person, remove_person
from restohub.wire.problems import Problem
from restohub.wire.responses import Answer

TOKEN = new_token()
DIGEST = sha256(TOKEN.encode()).digest()
MACHINE = new_token()
ADDRESS = "192.168.1.66"


def at_once(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A test that runs on a loop of its own."""

    @wraps(test)
    def run() -> None:
        asyncio.run(test())

    return run


class Disk:
    """A disk that takes a device when `go` says so: what it has is what a hub that starts again would read."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.full = False
        self.kept: dict[str, Device] = {}

    async def keep_access(self, what: Device) -> int:
        await self.go.wait()
        if self.full:
            raise StorageFullError
        self.kept[what.id] = what
        return 1


class Floor:
    """A hub as the routes of devices need it, with a disk that waits."""

    def __init__(self, *devices: Device) -> None:
        self.access = Access("closed", devices, sha256(MACHINE.encode()).digest())
        self.writer = Disk()
        self.clock = SimpleNamespace(now=lambda: 1000)
        self.feed = SimpleNamespace(sockets_of=lambda _: [], turn_away=lambda *_: None)

    def ask(
        self, handler: Callable[[Request], Awaitable[Any]], body: Any = None, *, path: str = "", token: str = MACHINE,
        sent: asyncio.Event | None = None,
    ) -> asyncio.Task[Answer]:  # fmt: skip
        """Begin a request, whose body comes once it was `sent`."""

        async def receive() -> Any:
            if sent is not None:
                await sent.wait()
            return {"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}

        headers = [(b"content-type", b"application/json"), (b"authorization", f"Bearer {token}".encode())]
        caller = Caller(ADDRESS, lambda: 0.0, shared=False)
        caller.looks = 0
        scope = {"headers": headers, "path_params": dict.fromkeys(("device_id", "person_id"), path), CALLER: caller}
        request = Request(scope, receive, cast(Any, self))
        if handler not in (open_pairing, get_pairing):
            check_token(request, "manager")  # as each route does before its handler
        return asyncio.ensure_future(cast(Any, handler(request)))


async def begun() -> None:
    """Let all that was asked come as far as the disk."""
    for _ in range(20):
        await asyncio.sleep(0)


def known(device_id: str = "d1") -> Device:
    """A device that was paired."""
    return Device(device_id, "Bar", "manager", DIGEST, 1, "machine")


@at_once
async def test_a_rename_whose_body_comes_late_does_not_bring_back_a_device_that_was_revoked() -> None:
    floor, sent = Floor(known()), asyncio.Event()
    floor.writer.go.set()
    rename = floor.ask(change_device, {"name": "Mine"}, path="d1", sent=sent)
    await begun()
    await floor.ask(revoke_device, path="d1")
    sent.set()
    await asyncio.wait([rename])
    assert floor.access.holder(TOKEN.encode()) is None
    assert floor.writer.kept["d1"].revoked_at == 1000


@at_once
async def test_a_rename_that_waits_for_the_disk_does_not_either() -> None:
    floor = Floor(known())
    rename = floor.ask(change_device, {"name": "Mine"}, path="d1")
    await begun()
    revoked = floor.ask(revoke_device, path="d1")
    await begun()
    assert floor.access.holder(TOKEN.encode()) is None, "at once"
    floor.writer.go.set()
    await asyncio.gather(rename, revoked)
    assert floor.access.holder(TOKEN.encode()) is None
    assert floor.writer.kept["d1"] == floor.access.devices["d1"]
    assert (floor.access.devices["d1"].name, floor.access.devices["d1"].revoked_at) == ("Mine", 1000)


@at_once
async def test_another_name_and_another_role_at_once_are_both_kept() -> None:
    floor = Floor(known())
    both = [floor.ask(change_device, body, path="d1") for body in ({"name": "Mine"}, {"role": "view"})]
    await begun()
    floor.writer.go.set()
    await asyncio.gather(*both)
    assert (floor.access.devices["d1"].name, floor.access.devices["d1"].role) == ("Mine", "view")
    assert floor.writer.kept["d1"] == floor.access.devices["d1"]


def adopted(suspended_at: int | None = None) -> Device:
    """A device that is known by its address."""
    return Device("d1", "Bar", "host", b"", 1, "machine", adopted=Adopted("address", ADDRESS, False, suspended_at))


@at_once
async def test_a_device_that_is_adopted_again_does_not_come_back_where_it_is_revoked_meanwhile() -> None:
    floor = Floor(adopted(suspended_at=900))
    floor.access.note_visitor(Sighting(ADDRESS, 990, "", sent_by(b""), False))
    [found] = adoptable(cast(Any, floor))
    again = floor.ask(adopt_device, {"visitor": found.id, "name": "Bar", "role": "host"})
    await begun()
    revoked = floor.ask(revoke_device, path="d1")
    await begun()
    floor.writer.go.set()
    ended = await asyncio.gather(again, revoked, return_exceptions=True)
    assert [type(one) for one in ended] == [Problem, Answer]
    assert floor.access.adopted.known(b"", ADDRESS) is None
    assert floor.writer.kept["d1"].revoked_at == floor.access.devices["d1"].revoked_at == 1000


@at_once
async def test_what_is_seen_of_a_device_while_it_is_being_stored_is_stored_too() -> None:
    floor = Floor(adopted())
    keeping = asyncio.ensure_future(keep_seen_devices(cast(Any, floor)))
    floor.access.put_unkept(adopted())
    await begun()
    floor.access.put_unkept(adopted(suspended_at=1000))
    floor.writer.go.set()
    await begun()
    keeping.cancel()
    assert floor.writer.kept["d1"].suspended


@at_once
async def test_who_was_revoked_on_a_full_disk_is_stored_once_it_has_room() -> None:
    floor = Floor(known())
    floor.writer.go.set()
    floor.writer.full = True
    [refused] = await asyncio.gather(floor.ask(revoke_device, path="d1"), return_exceptions=True)
    assert isinstance(refused, Problem)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(seen_devices, "AGAIN_S", 0)  # a minute
        keeping = asyncio.ensure_future(keep_seen_devices(cast(Any, floor)))
        await begun()
        assert floor.writer.kept == {}
        floor.writer.full = False
        await begun()
        keeping.cancel()
    assert "d1" in floor.writer.kept, "the hub goes on trying"
    floor.clock = SimpleNamespace(now=lambda: 2000)
    await floor.ask(revoke_device, path="d1")
    assert floor.writer.kept["d1"].revoked_at == 1000, "it has its effect once"


async def code_of(floor: Floor) -> str:
    """The code that the device with this token shows."""
    answer = await floor.ask(open_pairing, {"token_sha256": DIGEST.hex()})
    return str(json.loads(answer.body)["code"])


async def state_of(floor: Floor) -> str:
    """Where that device stands, as it asks every two seconds."""
    answer = await floor.ask(get_pairing, token=TOKEN)
    return str(json.loads(answer.body)["state"])


@at_once
async def test_a_device_goes_on_waiting_while_the_disk_takes_it() -> None:
    floor = Floor()
    code = await code_of(floor)
    bodies = [{"code": code, "name": name, "role": "host"} for name in ("Bar", "Host stand")]
    both = [floor.ask(pair_device, body) for body in bodies]
    await begun()
    assert floor.access.holder(TOKEN.encode()) is None, "before it is stored it has nothing"
    assert await state_of(floor) == "waiting", "else it would make another token, and this one would be lost"
    floor.writer.go.set()
    first, second = await asyncio.gather(*both, return_exceptions=True)
    assert isinstance(first, Answer)
    assert isinstance(second, Problem), "a code is good once"
    assert await state_of(floor) == "paired"


@at_once
async def test_one_token_by_two_invitations_at_once_is_one_device() -> None:
    floor = Floor()
    secrets = [floor.access.pairings.invite("Bar", "host", "machine") for _ in range(2)]
    both = [floor.ask(open_pairing, {"token_sha256": DIGEST.hex(), "invitation": one}) for one in secrets]
    await begun()
    floor.writer.go.set()
    await asyncio.gather(*both)
    assert list(floor.access.devices) == list(floor.writer.kept)
    assert len(floor.access.devices) == 1, "the other would come back when this one is revoked and the hub starts again"


@at_once
async def test_an_invitation_is_good_once_and_for_another_try_where_the_disk_is_full() -> None:
    floor = Floor()
    secret = floor.access.pairings.invite("Bar", "host", "machine")
    body = {"token_sha256": DIGEST.hex(), "invitation": secret}
    floor.writer.go.set()
    floor.writer.full = True
    (refused,) = await asyncio.gather(floor.ask(open_pairing, body), return_exceptions=True)
    assert isinstance(refused, Problem)
    floor.writer.full = False
    other = {**body, "token_sha256": "0" * 64}
    first, second = await asyncio.gather(
        *(floor.ask(open_pairing, one) for one in (body, other)), return_exceptions=True
    )
    assert isinstance(first, Answer)
    assert isinstance(second, Problem)
    assert [one.digest for one in floor.access.devices.values()] == [DIGEST]


@at_once
async def test_the_invitations_of_a_manager_end_with_him() -> None:
    floor = Floor(known())
    floor.writer.go.set()
    his, other = (floor.access.pairings.invite("Bar", "manager", by) for by in ("d1", "machine"))
    await floor.ask(revoke_device, path="d1")
    bodies = [{"token_sha256": digit * 64, "invitation": one} for digit, one in (("0", his), ("1", other))]
    first, second = await asyncio.gather(*(floor.ask(open_pairing, one) for one in bodies), return_exceptions=True)
    assert isinstance(first, Problem)
    assert isinstance(second, Answer)


@at_once
async def test_what_a_manager_began_before_he_was_revoked_is_refused_once_its_body_is_there() -> None:
    floor, sent = Floor(known()), asyncio.Event()
    floor.access.staff.put(Person("p1", "Anna", "host", None, 1))
    floor.writer.go.set()
    waiting = await floor.ask(open_pairing, {"token_sha256": "0" * 64})
    code = json.loads(waiting.body)["code"]
    begun_by_him = [
        floor.ask(pair_device, {"code": code, "name": "Back door", "role": "manager"}, token=TOKEN, sent=sent),
        floor.ask(invite_device, {"name": "Back door", "role": "manager"}, token=TOKEN, sent=sent),
        floor.ask(change_device, {"name": "Back door"}, path="d1", token=TOKEN, sent=sent),
        floor.ask(put_access, {"access": "open"}, token=TOKEN, sent=sent),
        floor.ask(adopt_device, {"visitor": "0" * 16, "name": "Back door", "role": "host"}, token=TOKEN, sent=sent),
        floor.ask(create_person, {"name": "Eva", "role": "manager", "pin": "2580"}, token=TOKEN, sent=sent),
        floor.ask(change_person, {"role": "manager"}, path="p1", token=TOKEN, sent=sent),
        *(floor.ask(one, {"person_id": "p1", "pin": "2580"}, token=TOKEN, sent=sent) for one in (sign_in, step_up)),
    ]
    await begun()
    await floor.ask(revoke_device, path="d1")
    sent.set()
    ended = await asyncio.gather(*begun_by_him, return_exceptions=True)
    assert [getattr(one, "refused", one) for one in ended] == [Refused("token_invalid")] * 9
    assert (list(floor.access.devices), floor.access.closed) == (["d1"], True)


@at_once
async def test_what_a_manager_asked_while_the_disk_was_busy_is_refused_where_he_is_revoked_meanwhile() -> None:
    floor = Floor(known())
    floor.access.staff.put(Person("p1", "Anna", "host", None, 1))
    rename = floor.ask(change_device, {"name": "Mine"}, path="d1")
    await begun()
    removal = floor.ask(remove_person, path="p1", token=TOKEN)
    await begun()
    revoked = floor.ask(revoke_device, path="d1")
    await begun()
    floor.writer.go.set()
    _, refused, _ = await asyncio.gather(rename, removal, revoked, return_exceptions=True)
    assert getattr(refused, "refused", refused) == Refused("token_invalid")
    assert [one.name for one in floor.access.staff.present] == ["Anna"]


def test_headers_that_are_padded_are_not_remembered() -> None:
    token = b"rsto_" + b"x" * 43
    device = Device("d1", "Bar", "host", sha256(token).digest(), 1, "machine")
    access = Access("closed", [device])
    tracemalloc.start()
    try:
        for spaces in range(14_000, 14_100):
            assert access.of_header(b"Bearer " + b" " * spaces + token) is device
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()
