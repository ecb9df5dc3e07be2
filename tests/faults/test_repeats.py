"""That a repeated request has one effect and its first answer, over any connection and any kill."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from restohub.store.codec import log_checksum
from restohub.store.data_folder import DATABASE
from tests.conftest import Hub
from tests.faults.crowd import Crowd
from tests.faults.random_faults import kill_and_restart, weathered
from tests.random_seed import SeededRandom, seeded_random, size

HOSTS, WATCHERS = 12, 2
OPERATIONS_A_HUB = 4000
KILLS_A_HUB = 3
REPEATS_MAX = 4
REUSES = 0.1


def repeated(folder: Path, chance: SeededRandom, operations: int, kills: int, number: int = 0) -> tuple[Crowd, int]:
    """So many operations, each one to five times, some at once; and how many keys were used for another request."""

    def crowd_of(hub: Hub) -> Crowd:
        crowd = Crowd(hub, 1, chance, HOSTS, WATCHERS)
        for host in crowd.hosts:
            host.repeats_max, host.reuses = REPEATS_MAX, REUSES
        return crowd

    async def weather(crowd: Crowd) -> None:
        for _ in range(kills):
            await crowd.ask(operations // (kills + 1))
            await kill_and_restart(crowd, chance)
        await crowd.ask(operations // (kills + 1))

    crowd = weathered(folder, number, crowd_of, weather)
    reused = [asked for host in crowd.hosts for asked in host.reused]
    assert {(one.status, one.answer["error_code"]) for one in reused} == {(422, "idempotency_key_reused")}
    return crowd, len(reused)


def test_a_repeated_request_has_one_effect_and_its_first_answer(tmp_path: Path) -> None:
    crowd, _ = repeated(tmp_path, seeded_random(), 300, 1)
    assert any(asked.again for asked in crowd.history.asked)


def test_an_answer_that_another_version_kept_in_a_form_of_its_own_is_refused(new_hub: Callable[..., Hub]) -> None:
    hub, key, guest = new_hub().start(), {"Idempotency-Key": "KEY"}, {"name": "Rossi", "partySize": 2}
    with hub.client() as api:
        assert api.post("/restaurants/1/guests/", json=guest, headers=key).status_code == 201
    assert hub.stop() == 0
    with closing(sqlite3.connect(hub.data / DATABASE)) as base, base:
        columns = "position, time, key, digest, changes"
        position, when, used, digest, changes = base.execute(
            f"SELECT {columns} FROM log WHERE key IS NOT NULL"
        ).fetchone()
        kept = b"a form of another version"
        checksum = log_checksum(position, when, used, digest, changes, kept)
        base.execute("UPDATE log SET answer = ?, checksum = ? WHERE key IS NOT NULL", (kept, checksum))
    with hub.start().client() as api:
        told = api.post("/restaurants/1/guests/", json=guest, headers=key)
        assert (told.status_code, told.json()["error_code"]) == (422, "idempotency_key_reused")
        assert "another version" in told.json()["hint"]
        assert len(api.get("/restaurants/1/guests/").json()) == 1


@pytest.mark.long
@pytest.mark.timeout(0)
def test_a_hundred_thousand_repetitions_have_no_second_effect(tmp_path: Path) -> None:
    chance, wanted = seeded_random(), size("OPERATIONS", 100_000)
    asked = again = refused = hubs = 0
    while asked < wanted:
        crowd, reused = repeated(tmp_path, chance, min(OPERATIONS_A_HUB, wanted - asked), KILLS_A_HUB, hubs)
        hubs, asked, refused = hubs + 1, asked + len(crowd.history.asked), refused + reused
        again += sum(one.again for one in crowd.history.asked)
        told = f"{asked} operations, {again} first answers given again, {refused} reused keys refused"
        print(f"repeats: {told}, {hubs * KILLS_A_HUB} kills: 0 second effects", flush=True)
    print(f"repeats: RESTOHUB_SEED={chance.start}")
