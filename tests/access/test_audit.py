"""Who did it: the device on each commit, on the answer, in a refusal's sentence, and in the audit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from restohub.store.verification import verify_folder
from restohub.web.attribution import ago
from tests.access.closed_hub import Device, bearer, manager, pair, revoke
from tests.cli.pty_terminal import printed
from tests.conftest import Hub
from tests.contract.answers import ok, problem
from tests.store.database_files import prune_log, sql

GUESTS, TABLES = "/restaurants/1/guests", "/restaurants/1/tables"


@pytest.fixture
def hub(new_hub: Callable[..., Hub]) -> Hub:
    """An open hub of the test's own: who shows a token is known there too."""
    return new_hub().start()


@pytest.fixture
def stand(hub: Hub) -> Device:
    """A device with a name that a header cannot hold as it is."""
    return pair(hub, "host", "Empfang ✓")


def test_an_answer_says_who_made_it_and_says_it_again(hub: Hub, stand: Device) -> None:
    with hub.client() as anyone, hub.client(headers=bearer(stand.token)) as api:
        body, key = {"name": "Rossi", "partySize": 2}, {"Idempotency-Key": "once"}
        made = api.post(GUESTS, json=body, headers=key)
        assert made.headers["restohub-by"] == "Empfang%20%E2%9C%93"
        again = anyone.post(GUESTS, json=body, headers=key)
        assert (again.headers["idempotency-replayed"], again.headers["restohub-by"]) == ("true", "Empfang%20%E2%9C%93")
        another = api.post(GUESTS, json=body, headers={**key, **bearer(pair(hub, "host", "Bar").token)})
        assert (another.headers["restohub-by"], another.json()) == ("Empfang%20%E2%9C%93", made.json())
        assert "restohub-by" not in anyone.post(GUESTS, json=body).headers
        assert "restohub-by" not in api.get(GUESTS).headers
        queue = {"updates": [{"entity_type": "guest", "action": "create", "data": body}]}
        assert api.post("/api/sync/batch", json=queue).headers["restohub-by"] == "Empfang%20%E2%9C%93"


def test_every_kind_of_change_says_who_made_it(hub: Hub) -> None:
    office = pair(hub, "manager", "Büro 1")
    with hub.client(headers=bearer(office.token)) as api:
        new = {"name": "Rossi", "partySize": 2}
        other = ok(api.post("/restaurants", json={"name": "Bar"}), 201)["id"]
        for method, path, body in (
            ("POST", GUESTS, {"id": "g1", **new}),
            ("POST", TABLES, {"id": "t1", "tableNumber": "1", "capacity": 4}),
            ("PUT", f"{GUESTS}/g1", {"notes": "x"}),
            ("PATCH", f"{TABLES}/t1", {"section": "Bar"}),
            ("PUT", f"{GUESTS}/g1/status/atomic", {"status": "seated", "tableId": "t1"}),
            (
                "POST",
                "/api/v1/atomic/batch",
                {"operations": [{"entity_type": "guest", "action": "create", "data": new}]},
            ),
            ("DELETE", f"{GUESTS}/g1", None),
            ("PATCH", f"/restaurants/{other}", {"name": "Bistro"}),
            ("DELETE", f"/restaurants/{other}", None),
        ):
            answer = api.request(method, path, json=body)
            assert answer.is_success, answer.text
            assert (path, answer.headers.get("restohub-by")) == (path, "B%C3%BCro%201")


def test_a_refusal_says_who_was_first(hub: Hub, stand: Device) -> None:
    with hub.client() as anyone, hub.client(headers=bearer(stand.token)) as api:
        ok(api.post(TABLES, json={"id": "t12", "tableNumber": "12", "capacity": 4}), 201)
        ok(api.post(GUESTS, json={"name": "Rossi", "partySize": 4, "tableId": "t12"}), 201)
        guest = {"name": "Weber", "partySize": 2, "tableId": "t12"}
        refused = problem(anyone.post(GUESTS, json=guest), 409, "table_occupied")
        assert refused["detail"] == "Table 12 is taken by Rossi (party of 4). It was taken just now by Empfang ✓."
        wrong = problem(
            anyone.patch(TABLES + "/t12", json={"notes": "x"}, headers={"If-Match": '"1"'}), 412, "version_conflict"
        )
        assert wrong["detail"].endswith("It was changed just now by Empfang ✓.")
        ok(api.patch(TABLES + "/t12", json={"section": "Window"}))
        refused = problem(anyone.post(GUESTS, json=guest), 409, "table_occupied")
        assert refused["detail"] == "Table 12 is taken by Rossi (party of 4).", "who wrote a section took no table"


def test_managers_see_who_did_what(hub: Hub, stand: Device) -> None:
    with hub.client() as anyone, hub.client(headers=bearer(stand.token)) as api, manager(hub) as trusted:
        ok(anyone.post(TABLES, json={"id": "t1", "tableNumber": "1", "capacity": 4}), 201)
        made = ok(api.post(GUESTS, json={"id": "g1", "name": "Rossi", "partySize": 4, "tableId": "t1"}), 201)
        assert api.delete(GUESTS + "/g1").status_code == 204
        problem(api.get("/api/audit"), 403, "not_permitted")
        problem(anyone.get("/api/audit"), 401, "token_required")
        revoke(hub, stand)
        page = ok(trusted.get("/api/audit"))
        assert [
            (one["revision"], one["device"], one["action"], one["entity_type"], one["entity_id"])
            for one in page["entries"]
        ] == [
            (3, "Empfang ✓", "delete", "guest", "g1"),
            (3, "Empfang ✓", "update", "table", "t1"),
            (2, "Empfang ✓", "create", "guest", "g1"),
            (2, "Empfang ✓", "update", "table", "t1"),
            (1, None, "create", "table", "t1"),
        ]
        assert page["entries"][2]["timestamp"] == made["createdAt"]
        assert "Rossi" not in trusted.get("/api/audit").text
        assert ok(trusted.get("/api/audit?limit=3")) == page, "there are no more"
        first = ok(trusted.get("/api/audit?limit=1"))
        assert (first["has_more"], {one["revision"] for one in first["entries"]}) == (True, {3})
        rest = ok(trusted.get("/api/audit?before_revision=3"))
        assert (rest["has_more"], [one["revision"] for one in rest["entries"]]) == (False, [2, 2, 1])
        for only, told in (
            (f"device_id={stand.id}", [3, 3, 2, 2]),
            ("device_id=", [1]),
            ("person_id=", [3, 3, 2, 2, 1]),
            ("person_id=nobody", []),
            ("entity_id=g1", [3, 2]),
            (f"entity_id=t1&device_id={stand.id}", [3, 2]),
            ("entity_id=t1&limit=1", [3]),
            ("entity_id=g", []),
        ):
            assert [one["revision"] for one in ok(trusted.get(f"/api/audit?{only}"))["entries"]] == told, only
        arguments = ["--device", stand.id, "--entity", "g1", "--json"]
        done = printed("audit", "--data", str(hub.data), *arguments)
        assert [one["action"] for one in json.loads(done.stdout)["entries"]] == ["delete", "create"]


def test_a_page_of_the_audit_has_a_hundred_commits_and_queues_and_batches_are_in_it(hub: Hub, stand: Device) -> None:
    guest = {"name": "Rossi", "partySize": 2}
    updates = [{"entity_type": "guest", "action": "create", "entity_id": f"q{n}", "data": guest} for n in range(101)]
    with hub.client(headers=bearer(stand.token)) as api, manager(hub) as trusted:
        ok(api.post("/api/sync/batch", json={"updates": updates}))
        page = ok(trusted.get("/api/audit"))
        assert (len(page["entries"]), page["has_more"]) == (100, True)
        assert {one["device"] for one in page["entries"]} == {"Empfang ✓"}
        operations = [{**one, "entity_id": f"b{number}"} for number, one in enumerate(updates[:2])]
        ok(api.post("/api/v1/atomic/batch", json={"operations": operations}))
        page = ok(trusted.get("/api/audit?limit=1"))
        assert [(one["entity_id"], one["device_id"]) for one in page["entries"]] == [("b0", stand.id), ("b1", stand.id)]


def test_a_page_ends_where_its_commits_have_many_changes(hub: Hub) -> None:
    guests = [f"g{number}" for number in range(500)]
    with manager(hub) as api:
        for turn in range(12):
            action = "update" if turn else "create"
            data = {"notes": str(turn)} if turn else {"name": "Rossi", "partySize": 2}
            one = {"entity_type": "guest", "action": action, "data": data}
            ok(api.post("/api/v1/atomic/batch", json={"operations": [{**one, "entity_id": each} for each in guests]}))
        page = ok(api.get("/api/audit?limit=1000"))
        assert (len(page["entries"]), page["entries"][-1]["revision"], page["has_more"]) == (5_000, 3, True)
        rest = ok(api.get("/api/audit?limit=1000&before_revision=3"))
        assert (len(rest["entries"]), rest["has_more"]) == (1_000, False)


def test_the_audit_is_a_table_too_and_knows_who_made_and_removed_restaurants(hub: Hub) -> None:
    formula = pair(hub, "manager", "=1+1")
    with hub.client(headers=bearer(formula.token)) as api:
        made = ok(api.post("/restaurants", json={"name": "Bar"}), 201)
        ok(api.patch(f"/restaurants/{made['id']}", json={"name": "Bistro"}))
        ok(api.post(GUESTS, json={"id": "g1", "name": "Rossi", "partySize": 4}), 201)
        assert api.delete(f"/restaurants/{made['id']}").status_code == 204
        table = api.get("/api/audit?format=csv")
        assert table.headers["content-type"] == "text/csv; charset=utf-8"
        assert table.headers["content-disposition"] == 'attachment; filename="audit-1.csv"'
        lines = table.content.decode("utf-8-sig").split("\r\n")
        assert (len(lines), lines[0]) == (
            3,
            "revision,timestamp,device_id,device,person_id,person,action,entity_type,entity_id",
        )
        _, row, end = lines
        assert (row.startswith("1,2"), row.endswith(f"Z,{formula.id},'=1+1,,,create,guest,g1"), end) == (True, True, "")
        assert api.get("/api/audit?format=xml").json()["error_code"] == "invalid_query"
        page = ok(api.get("/api/audit?restaurant_id=0"))
        did = [(one["device"], one["action"], one["entity_type"], one["entity_id"]) for one in page["entries"]]
        bar = str(made["id"])
        assert did[:3] == [("=1+1", done, "restaurant", bar) for done in ("delete", "update", "create")]
        assert (did[3][0], page["restaurant_id"]) == (None, 0)
    command = ("audit", "--data", str(hub.data))
    assert printed(*command).stdout.endswith("Z  =1+1  create guest g1\n")
    assert printed(*command, "--csv").stdout == table.content.decode().replace("\r\n", "\n")
    told = json.loads(printed(*command, "--restaurant", "0", "--json").stdout)
    assert told["entries"] == page["entries"]
    assert printed(*command, "--restaurant", "77").returncode == 1


def test_who_did_it_is_told_though_the_log_was_pruned(hub: Hub, stand: Device) -> None:
    with hub.client() as anyone, hub.client(headers=bearer(stand.token)) as api:
        for number in range(4):
            body = {"id": f"g{number}", "name": "Rossi", "partySize": 4}
            ok((anyone if number == 1 else api).post(GUESTS, json=body), 201)
    assert hub.stop() == 0
    prune_log(hub.data, 3)
    hub.start()
    with manager(hub) as trusted:
        page = ok(trusted.get("/api/audit"))
        told = [(one["revision"], one["device"], one["entity_id"]) for one in page["entries"]]
        assert told == [(4, "Empfang ✓", "g3"), (3, "Empfang ✓", "g2"), (1, "Empfang ✓", "g0")]
        assert [one["revision"] for one in ok(trusted.get("/api/audit?before_revision=3"))["entries"]] == [1]
        for only, revisions in (("entity_id=g2", [3]), (f"device_id={stand.id}&entity_id=g3", [4]), ("device_id=", [])):
            assert [one["revision"] for one in ok(trusted.get(f"/api/audit?{only}"))["entries"]] == revisions, only
    assert b"Rossi" not in b"".join(str(row).encode() for row in sql(hub.data, "SELECT * FROM audit"))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (179, "2 minutes ago"),
        (3_600, "1 hour ago"),
        (47 * 3_600, "47 hours ago"),
        (48 * 3_600, "2 days ago"),
    ],
)
def test_how_long_ago_is_said_in_the_unit_that_fits(seconds: float, said: str) -> None:
    assert ago(seconds) == said


def test_the_device_stands_under_the_checksum(hub: Hub, stand: Device) -> None:
    with hub.client(headers=bearer(stand.token)) as api:
        ok(api.post(GUESTS, json={"name": "Rossi", "partySize": 4}), 201)
    assert hub.stop() == 0
    folder = Path(hub.data)
    assert verify_folder(folder, lambda *_: None).sound
    sql(folder, "UPDATE log SET device = 'somebody' WHERE device IS NOT NULL")
    assert not verify_folder(folder, lambda *_: None).sound


def test_a_device_stands_under_its_checksum(hub: Hub, stand: Device) -> None:
    assert hub.stop() == 0
    assert stand.id
    sql(Path(hub.data), "UPDATE device SET role = 'manager'")
    report = verify_folder(Path(hub.data), lambda *_: None)
    assert ["A device cannot be read" in one.detail for one in report.faults] == [True]


def test_the_command_prints_the_latest_and_as_a_table_all(hub: Hub) -> None:
    create = {"entity_type": "guest", "action": "create", "data": {"name": "Rossi", "partySize": 2}}
    with hub.client() as api:
        for count in (500, 500, 2):
            ok(api.post("/api/sync/batch", json={"updates": [create] * count}))
    latest = json.loads(printed("audit", "--data", str(hub.data), "--json").stdout)
    assert [one["revision"] for one in latest["entries"]] == list(range(1002, 902, -1))
    assert latest["has_more"] is True
    _, *rows = printed("audit", "--data", str(hub.data), "--csv").stdout.splitlines()
    assert [int(row.partition(",")[0]) for row in rows] == list(range(1002, 0, -1))
