"""What the hub answers, as the contract tests read it: a success, a refusal with its words, the results of a queue."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx

Json = dict[str, Any]

CONTRACT = Path(__file__).parents[2] / "restohub/docs/contract.md"
WORDS = ("detail", "hint", "params")
# What a host cannot read: the names of fields, JSON, marks of code.
TECHNICAL = re.compile(r"\b[a-z]+[A-Z]\w*|\b[a-z0-9]+_\w+|[`{}\[\]<>]|\": |\bnull\b|\bJSON\b|\bHTTP\b")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
RESULT_KEYS = {"mutation_id", "entity_id", "status", "error_code", *WORDS, "current", "revision"}
PROBLEM_KEYS = {"type", "title", "status", *WORDS, "error_code", "timestamp", "transaction_id", "current", "errors"}
LEAKS = re.compile(r"Traceback|[Ss][Qq][Ll]ite|site-packages|\.py\b|/tmp/|/home/|/root/|SELECT |INSERT INTO|UPDATE ")


def params_of_each_code() -> dict[str, set[str]]:
    """The table of contract.md, "Error codes", that says which params each code has."""
    text = CONTRACT.read_text("utf-8")
    rows = re.findall(r"^\| (.*) \| (.*) \|$", text[text.index("| error_code | `params` |") :], re.MULTILINE)
    found: dict[str, set[str]] = {}
    for codes, params in rows[2:]:
        for code in re.findall(r"`(\w+)`", codes):
            found[code] = set(re.findall(r"`(\w+)`", params))
        if codes == "any other":
            found["any other"] = set()
            return found
    raise AssertionError("the table of params must end with the row `any other`")


def status_of_each_code() -> dict[str, int]:
    """The table of contract.md, "Error codes": slashes part the statuses of a row, and the codes of each."""
    text = CONTRACT.read_text("utf-8")
    rows = re.findall(r"^\| ([0-9 /]+) \| (.*) \|$", text[text.index("| status | error_code |") :], re.MULTILINE)
    found: dict[str, int] = {}
    for statuses, codes in rows:
        for status, of_it in zip(statuses.split(" / "), codes.split(" / "), strict=True):
            found |= dict.fromkeys(re.findall(r"`(\w+)`", of_it), int(status))
    return found


PARAMS = params_of_each_code()
STATUSES = status_of_each_code()


def check_words(said: dict[str, Any]) -> None:
    """Fail unless a refusal has a sentence for a host, a hint for the developer, and the params of its code."""
    assert {*WORDS} <= said.keys(), said
    code, params, detail = said["error_code"], said["params"], said["detail"]
    assert params.keys() == PARAMS.get(code, set()), f"{code}: its params are those of the contract, not {params}"
    assert isinstance(detail, str)
    assert re.fullmatch(r"\S.* .*\.", detail, re.DOTALL), f"no sentence: {detail!r}"
    own = detail
    for value in params.values():
        own = own.replace(value, "") if isinstance(value, str) and value else own  # what people typed
    assert not TECHNICAL.search(own), f"{code}: a host cannot read {detail!r}; put it into the hint"
    assert isinstance(said["hint"], str)
    assert said["hint"]


def ok(answer: httpx.Response, status: int = 200) -> Json:
    """The body of an answer that had to succeed."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text[:1000]}"
    body = answer.json()
    assert isinstance(body, dict)
    return body


def problem(answer: httpx.Response, status: int, code: str) -> Json:
    """The problem document of a refusal, held against contract.md, "What an error says"."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text[:1000]}"
    body = any_problem(answer)
    assert body["error_code"] == code, body
    return body


def any_problem(answer: httpx.Response) -> Json:
    """The problem document of an answer that is a 4xx, whatever its code: the status is the one of that."""
    assert 400 <= answer.status_code < 500, f"{answer.status_code}: {answer.text[:1000]}"
    assert answer.headers["content-type"].split(";")[0] == "application/problem+json", answer.headers
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert isinstance(body, dict)
    assert body.keys() >= PROBLEM_KEYS, f"without {PROBLEM_KEYS - body.keys()}"
    assert body["status"] == answer.status_code == STATUSES[body["error_code"]], body
    # None, an entity, or a table and its guest.
    assert body["current"] is None or body["current"].keys() > {"id"} or body["current"].keys() == {"table", "guest"}
    assert body["type"] == f"/docs/errors#{body['error_code']}"
    assert isinstance(body["title"], str)
    assert body["title"].strip()
    assert isinstance(body["errors"], list)
    for said in (body, *({"error_code": body["error_code"], **error} for error in body["errors"])):
        check_words(said)
    assert TIME.fullmatch(body["timestamp"]), body["timestamp"]
    assert not LEAKS.search(answer.text), answer.text
    return body


def faulty_fields(answer: httpx.Response) -> set[str]:
    """The pointers of a 422's faults."""
    return {fault["pointer"] for fault in problem(answer, 422, "validation_failed")["errors"]}


def revision_of(answer: httpx.Response) -> int:
    """The revision that an answer names in its header."""
    return int(answer.headers["restohub-revision"])


def results(answer: httpx.Response) -> list[Json]:
    """The results of a queue; each has all its keys, says why where it was not applied, and where it is if it was."""
    body = ok(answer)
    for result in body["results"]:
        assert result.keys() == RESULT_KEYS
        refused = result["status"] in ("conflict", "rejected")
        assert (result["revision"] is not None) is (result["status"] in ("applied", "duplicate")), result
        assert refused or result["current"] is None, result
        assert (result["error_code"] is not None) is refused, result
        if refused:
            check_words(result)
        else:
            assert (result["detail"], result["hint"], result["params"]) == (None, None, {})
    done = [result for result in body["results"] if result["status"] in ("applied", "unchanged", "duplicate")]
    assert body["processed_count"] == len(done)
    assert body["failed_count"] == len(body["results"]) - len(done)
    assert body["success"] is (body["failed_count"] == 0)
    assert isinstance(body["results"], list)
    return list(body["results"])


def only(answer: httpx.Response) -> Json:
    """The result of a queue of one."""
    (result,) = results(answer)
    return result
