"""Tokens, codes and invitations are nowhere but with the device that has them: no file, log, answer or backup."""

from __future__ import annotations

import gzip
import json
import stat
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from restohub.access.tokens import new_token
from tests.access.adopting import adopted, jwt
from tests.access.closed_hub import (
    ask_to_pair,
    bearer,
    files_below,
    hash_of,
    machine_token,
    manager,
    pair,
    revoke,
    shown_later,
    told,
)
from tests.commands import run_command
from tests.conftest import Hub, next_message
from tests.contract.answers import ok

NewHub = Callable[..., Hub]


def test_nothing_of_them_is_kept(new_hub: NewHub) -> None:
    hub = new_hub(None, "--access", "closed", "--log-level", "debug").start()
    device, gone = pair(hub, "host", "Host stand"), pair(hub, "host")
    machine, waiting = machine_token(hub), new_token()
    by_header, by_address = jwt(1), {"Authorization": "Bearer " + "k" * 40}
    adopted(hub, "127.0.21.1", by_header)
    adopted(hub, "127.0.21.2", by_address)
    former = [headers["Authorization"].removeprefix("Bearer ") for headers in (by_header, by_address)]
    answers: list[bytes] = []
    with hub.client(headers=bearer(device.token)) as api, manager(hub) as trusted:
        api.event_hooks["response"] = trusted.event_hooks["response"] = [lambda one: answers.append(one.read())]
        code = ask_to_pair(api, waiting)
        invitation = ok(trusted.post("/api/invitations", json={"name": "Bar", "role": "view"}), 201)["invitation"]
        key = {"Idempotency-Key": "kept-1"}
        for _ in range(2):
            api.post("/restaurants/1/guests", json={"name": "Rossi", "partySize": 2}, headers=key)
        for path in ("/restaurants", "/api/pairing", "/nowhere", "/restaurants/1/guests?limit=0"):
            api.get(path)
        trusted.get("/api/devices")
        trusted.get("/api/access")
        trusted.get("/api/audit")
        trusted.get("/api/audit?format=csv")
    with shown_later(hub, "/realtime?restaurant_id=1", device.token) as socket:
        next_message(socket)
        socket.send(json.dumps({"type": "auth", "token": [device.token]}))
        answers.append(str(next_message(socket)).encode())
    with hub.socket("/realtime?restaurant_id=1", additional_headers=bearer(gone.token)) as socket:
        answers.append(str(next_message(socket)).encode())
    revoke(hub, gone)
    with hub.client() as api:
        answers += [api.get("/restaurants", headers=bearer(one)).read() for one in (gone.token, waiting)]
        answers.append(api.get("/api/pairing", headers=bearer(waiting)).read())
        answers += [api.get("/restaurants", headers=headers).read() for headers in (by_header, by_address)]
        answers.append(api.get("/restaurants", headers=jwt(2, "never adopted")).read())
    with hub.socket("/realtime?restaurant_id=1", additional_headers=by_header) as socket:
        answers.append(str(next_message(socket)).encode())
    made = run_command("backup", "--json", "--data", str(hub.data))
    backup = next((hub.data / "backups").glob("restohub-backup-*.gz"))
    assert backup.stat().st_size, made.stdout
    assert hub.stop() == 0
    files, log = files_below(hub.data), hub.said().encode()
    packed = gzip.decompress(backup.read_bytes())
    former.append(jwt(2, "never adopted")["Authorization"].removeprefix("Bearer "))
    for secret in (device.token, gone.token, waiting, *former):
        for where in (files, packed, log, *answers):
            assert secret.encode() not in where
            assert secret.removeprefix("rsto_").encode() not in where
    for where in (packed, log, *answers):
        assert machine.encode() not in where
    assert invitation.encode() not in files + packed + log
    assert code.encode() not in files + packed + log
    assert sha256(device.token.encode()).digest() in packed, "a restored hub knows its devices"
    assert hash_of(device.token).encode() not in packed + log + b"".join(answers)


def test_nothing_of_them_is_in_what_is_carried_away_and_put_back(new_hub: NewHub, tmp_path: Path) -> None:
    hub = new_hub(None, "--access", "closed", "--log-level", "debug").start()
    tokens = [pair(hub, "manager").token, (gone := pair(hub, "host")).token, machine_token(hub)]
    with manager(hub) as trusted:
        ok(trusted.post("/restaurants/1/guests", json={"name": "Rossi", "partySize": 2}), 201)
        tokens.append(ok(trusted.post("/api/invitations", json={"name": "Bar", "role": "view"}), 201)["invitation"])
    stick = tmp_path / "stick"
    stick.mkdir()
    revoke(hub, gone)
    said = told("backup", "--to", str(stick), "--data", str(hub.data))
    assert hub.stop() == 0
    [backup] = stick.glob("restohub-*/restohub-backup-*.gz")
    hub.data = tmp_path / "restored"
    said += told("restore", str(backup), "--data", str(hub.data))
    kept = ["restohub.closed", "restohub.db", "restohub.lock", "revoked.json"]
    assert sorted(path.name for path in hub.data.iterdir()) == kept
    before = files_below(hub.data)
    hub.start()
    tokens.append(machine_token(hub))
    said += told("devices", "list", "--data", str(hub.data))
    said += told("devices", "confirm", "--all", "--yes", "--data", str(hub.data))
    said += told("audit", "--csv", "--data", str(hub.data))
    assert hub.stop() == 0
    (hub.data / "restohub.token").unlink()
    carried = b"".join(gzip.decompress(path.read_bytes()) for path in stick.rglob("*.gz"))
    assert hash_of(gone.token).encode() in before, "by its hash a device stays revoked"
    for token in tokens:
        for where in (carried, files_below(stick), before, files_below(hub.data), said.encode(), hub.said().encode()):
            assert token.encode() not in where
            assert token.removeprefix("rsto_").encode() not in where


def test_the_machines_own_token_is_its_users_alone_and_of_one_run(new_hub: NewHub) -> None:
    hub = new_hub().start()
    first = machine_token(hub)
    assert stat.S_IMODE((hub.data / "restohub.token").stat().st_mode) == 0o600
    assert hub.stop() == 0
    hub.start()
    assert machine_token(hub) != first
    with hub.client() as api:
        assert api.get("/api/devices", headers=bearer(first)).status_code == 401
