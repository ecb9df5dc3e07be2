"""The guard by itself: every Host with every Origin, the names of the machine, and what is remembered."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from restohub.limits import PASSED_MAX
from restohub.web.guard import Guard
from restohub.web.host_names import own_names, search_domains
from tests.attack.web_pages import ALLOWED, OWN_LABEL, SEARCH, hosts, origins, right

OWN = frozenset(f"{OWN_LABEL}.{domain}" for domain in SEARCH)


class Clock:
    """Seconds that go on when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """Now."""
        return self.seconds


def guard(*allowed: str) -> Guard:
    return Guard(allowed, lambda _: True, Clock(), lambda: OWN)


def scope(*headers: tuple[str, str], version: str = "1.1", client: str = "192.168.1.31") -> dict[str, Any]:
    named = [(name.encode(), value.encode()) for name, value in headers]
    return {"http_version": version, "headers": named, "client": (client, 4711)}


def code(of: Guard, asked: dict[str, Any], target: bytes | None = None) -> str:
    refused = of.refusal(asked, target)
    return refused.code if refused else ""


def test_of_200_hosts_with_100_origins_none_is_judged_wrong() -> None:
    watching, wrong, seen = guard(*ALLOWED), [], Counter[str]()
    for host in hosts():
        for origin in (None, *origins()):
            headers = [("accept", "*/*"), ("host", host.spelled), *([("origin", origin.spelled)] if origin else [])]
            for _ in range(2):  # as it is judged, and as it is remembered
                judged = code(watching, scope(*headers))
                if judged != right(host, origin):
                    wrong.append((host, origin, judged))
            seen[judged] += 1
    assert wrong == []
    assert sum(seen.values()) == 200 * 101
    assert min(seen[kind] for kind in ("", "host_not_allowed", "origin_not_allowed", "invalid_json")) > 500


@pytest.mark.parametrize(
    ("version", "sent", "expected"),
    [
        ("1.1", [], "invalid_json"),
        ("2.0", [], "invalid_json"),
        ("1.1", [""], "invalid_json"),
        ("1.0", [], ""),
        ("1.0", [""], ""),
        ("1.0", ["evil.example"], "host_not_allowed"),
        ("1.1", ["hub", "hub"], "invalid_json"),
        ("1.0", ["hub", "evil.example"], "invalid_json"),
    ],
)
def test_a_request_has_one_host_or_is_of_http_1_0(version: str, sent: list[str], expected: str) -> None:
    assert code(guard(), scope(*(("host", one) for one in sent), version=version)) == expected


def test_without_a_host_no_origin_is_its_own() -> None:
    assert code(guard(), scope(("origin", "http://hub"), version="1.0")) == "origin_not_allowed"


def test_several_origins_are_refused_though_each_would_pass() -> None:
    twice = [("host", "hub:8000"), ("origin", "http://hub:8000"), ("origin", "http://hub:8000")]
    assert code(guard(), scope(*twice)) == "origin_not_allowed"


@pytest.mark.parametrize(
    ("target", "host", "origin", "expected"),
    [
        (b"hub:8000", "hub:8000", None, ""),
        (b"evil.example", "hub:8000", None, "host_not_allowed"),
        (b"hub:8000", "evil.example", None, "host_not_allowed"),
        (b"a@hub", "hub", None, "invalid_json"),
        (b"hub:8000", "192.168.1.20:8000", "http://hub:8000", ""),
        (b"hub:8000", "192.168.1.20:8000", "http://192.168.1.20:8000", "origin_not_allowed"),
    ],
)
def test_the_host_of_an_absolute_target_counts_before_the_header_and_both_must_be_ours(
    target: bytes, host: str, origin: str | None, expected: str
) -> None:
    headers = [("host", host), *([("origin", origin)] if origin else [])]
    assert code(guard(), scope(*headers), target) == expected


def test_a_peer_who_is_not_permitted_is_refused_though_his_host_passed_before() -> None:
    known = {"192.168.1.31"}
    watching = Guard((), known.__contains__, Clock(), lambda: OWN)
    assert code(watching, scope(("host", "hub"))) == ""
    assert code(watching, scope(("host", "hub"), client="8.8.8.8")) == "not_permitted"


def test_the_machine_s_names_are_looked_at_again_and_what_passed_by_the_old_ones_is_judged_anew() -> None:
    clock, names = Clock(), [frozenset({"hub.fritz.box"})]
    watching = Guard((), lambda _: True, clock, lambda: names[0])
    old, new = scope(("host", "hub.fritz.box:8000")), scope(("host", "hub.speedport.ip:8000"))
    assert (code(watching, old), code(watching, new)) == ("", "host_not_allowed")
    names[0] = frozenset({"hub.speedport.ip"})
    assert code(watching, new) == "host_not_allowed", "not within the seconds that they are kept"
    clock.seconds += 10
    assert (code(watching, new), code(watching, old)) == ("", "host_not_allowed")


def test_what_is_remembered_is_bounded_and_nothing_of_a_refusal_is() -> None:
    watching = guard()
    for number in range(3 * PASSED_MAX):
        assert code(watching, scope(("host", f"name{number}"))) == ""
        assert code(watching, scope(("host", f"name{number}.example"))) == "host_not_allowed"
    assert code(watching, scope(("host", "h" * 400))) == "invalid_json"
    assert code(watching, scope(("host", "hub"), ("origin", f"{'s' * 400}://hub"))) == "origin_not_allowed"
    assert len(watching._passed) <= PASSED_MAX


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("search fritz.box\nnameserver 192.168.178.1\n", {"fritz.box"}),
        (
            "# search evil.example\ndomain Lan.Example.\nsearch a.example b.example.\n",
            {"lan.example", "a.example", "b.example"},
        ),
        ("search .\nsearch\nnameserver ::1", set()),
        ("search caf\xe9.example", {"caf\xe9.example"}),
    ],
)
def test_the_search_domains_are_those_of_the_resolver(tmp_path: Path, text: str, expected: set[str]) -> None:
    resolver = tmp_path / "resolv.conf"
    resolver.write_text(text, "latin-1")
    assert search_domains(resolver) == expected
    assert len(own_names(resolver)) == len(expected) + 1


def test_a_machine_without_a_resolver_has_its_own_name_alone(tmp_path: Path) -> None:
    assert len(own_names(tmp_path / "none")) == 1
