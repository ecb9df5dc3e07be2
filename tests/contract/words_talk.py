"""What every refusal says, on HTTP, in batches and on sockets: its words, and what they are made of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

CONTRACT = Path(__file__).parents[2] / "restohub/docs/contract.md"
WORDS = ("detail", "hint", "params")
# What a host cannot read: the names of fields, JSON, marks of code.
TECHNICAL = re.compile(r"\b[a-z]+[A-Z]\w*|\b[a-z0-9]+_\w+|[`{}\[\]<>]|\": |\bnull\b|\bJSON\b|\bHTTP\b")


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


PARAMS = params_of_each_code()


def hold_words(said: dict[str, Any]) -> None:
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
