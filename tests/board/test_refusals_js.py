"""Why a press was refused: each code has a sentence of the page, an unknown one the hub's."""

# ruff: noqa: E501 (the page's scripts keep their lines)

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

import restohub
from restohub.wire.error_codes import CODES
from tests.board.modules import MODULES, a_browser, a_page, run  # noqa: F401 (fixtures)

ERRORS = Path(restohub.__file__).parent / "docs" / "fixtures" / "errors"
# What is asked again by itself, what no act can meet, and what only a socket says.
NO_REFUSAL = {"request_timeout", "route_not_found", "method_not_allowed", "upgrade_required", "unsupported_media_type"}
NO_REFUSAL |= {
    "head_too_large",
    "restaurant_not_empty",
    "restaurant_name_differs",
    "revision_expired",
    "too_many_messages",
}
NO_REFUSAL |= {"internal_error", "storage_full", "storage_unavailable", "shutting_down", "busy", "outcome_unknown"}
NO_REFUSAL |= {"invalid_message"}
WORDS = {name.read_text() for name in (MODULES / "words").glob("en*.js")}
EXPLAIN = """([problem, data]) => {
  const guest = { id: "g", name: "Ada", partySize: 5, status: "waitlist", phase: "waiting", tableId: null, version: 3 };
  const tables = new Map(["t1", "t2"].map((id) => [id, { id, tableNumber: id, capacity: 4, version: 1, currentGuestId: null, status: "available" }]));
  const view = { guests: new Map([["g", guest]]), tables };
  const operations = [{ entity_type: "guest", action: "update", entity_id: "g", data, if_match: 3 }];
  return m.refusals.explain(problem, { id: "a", label: { key: "act.seat", params: {} }, operations }, { view }, 0);
}"""


def words() -> str:
    """The page's English."""
    return "".join(WORDS)


@pytest.mark.parametrize("code", sorted(CODES.keys() - NO_REFUSAL))
def test_every_code_that_a_press_can_meet_has_a_sentence_made_of_its_params(engine: Page, code: str) -> None:
    golden = ERRORS / f"{code}.json"
    problem = json.loads(golden.read_text()) if golden.exists() else {"error_code": code, "detail": "No.", "params": {}}
    said = run(engine, EXPLAIN, problem, {"status": "seated", "tableId": "t1"})
    assert said["key"] != "refusal.other"
    sentence = re.search(rf"'{re.escape(said['key'])}': '(.*)',", words())
    assert sentence, said["key"]
    assert set(re.findall(r"\{(\w+)\}", sentence[1])) <= said["params"].keys()
    for way in said["ways"]:
        assert f"'{way['key']}'" in words()


def test_an_unknown_code_shows_what_the_hub_says(engine: Page) -> None:
    said = run(engine, EXPLAIN, {"error_code": "new_in_a_later_version", "detail": "Not today.", "params": {}}, {})
    assert (said["key"], said["params"]) == ("refusal.other", {"detail": "Not today."})


def test_a_table_that_is_held_is_said_with_party_and_time_and_can_be_freed(engine: Page) -> None:
    guest = {"id": "r", "name": "Rossi", "partySize": 4, "reservationTime": "2024-01-15T18:45:00Z", "version": 2}
    table = {"id": "t1", "tableNumber": "12", "version": 7}
    params = {"table": "12", "guest": "Rossi", "party": 4, "held": True}
    problem: dict[str, Any] = {
        "error_code": "table_occupied",
        "params": params,
        "current": {"table": table, "guest": guest},
    }
    said = run(engine, EXPLAIN, problem, {"status": "seated", "tableId": "t1", "allowOverCapacity": True})
    assert (said["key"], said["params"]) == ("refusal.table_held_at", {**params, "at": "2024-01-15T18:45:00Z"})
    assert [way["key"] for way in said["ways"]] == ["way.choose", "way.unhold_and_seat"]
    freed, seated = said["ways"][1]["act"]["operations"]
    assert (freed["entity_id"], freed["data"]) == ("t1", {"status": "available"})
    assert (seated["entity_id"], seated["data"]["status"]) == ("g", "seated")


def test_a_party_that_is_too_large_is_asked_once_and_seated_anyway(engine: Page) -> None:
    params = {"table": "t1", "guest": "Ada", "party": 5, "capacity": 4}
    problem = {"error_code": "party_exceeds_capacity", "params": params, "current": None}
    said = run(engine, EXPLAIN, problem, {"status": "seated", "tableId": "t1"})
    act = said["ways"][1]["act"]
    assert act["operations"][0]["data"] == {"status": "seated", "tableId": "t1", "allowOverCapacity": True}
    assert "ask" not in act


def test_every_act_and_question_has_words() -> None:
    acts = (MODULES / "acts.js").read_text()
    named = set(re.findall(r'(?:act|press|needs|sets|becomes|taking|create)\("(\w+)"', acts))
    missing = {key for key in named if f"act.{key}'" not in words() and f"do.{key}'" not in words()}
    assert not missing
    assert not {key for key in re.findall(r'"(ask\.\w+)"', acts) if f"'{key}'" not in words()}
