"""The settings: each is a flag, a variable and a key, with the default that the contract names."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from restohub.config import Settings, SettingsError, settings
from tests.cli.pty_terminal import printed
from tests.house.source_tree import ROOT

CONTRACT = ROOT / "restohub" / "docs" / "contract.md"
# Each flag of the contract but `--data`, as it is typed, and what it sets.
FLAGS: dict[str, tuple[str, Any]] = {
    "--host": ("10.0.0.7", "10.0.0.7"),
    "--port": ("8010", 8010),
    "--name": ("Da Mario", "Da Mario"),
    "--no-advertise": ("", False),
    "--log-format": ("json", "json"),
    "--log-level": ("debug", "debug"),
    "--interface": ("wlan0", "wlan0"),
    "--log-days": ("8", 8),
    "--log-revisions": ("1000", 1000),
    "--restaurants-max": ("3", 3),
    "--allowed-hosts": ("hub.example.com,b", ("hub.example.com", "b")),
    "--allow-public": ("", True),
    "--shared-addresses": ("10.0.0.1", ("10.0.0.1",)),
    "--access": ("closed", "closed"),
    "--tls": ("self", "self"),
    "--tls-cert": ("/c.pem", "/c.pem"),
    "--tls-key": ("/k.pem", "/k.pem"),
    "--tls-port": ("8444", 8444),
    "--no-http": ("", False),
}
# What cannot be set alone.
BESIDE = {"tls_cert": {"tls_key": "/k.pem"}, "tls_key": {"tls_cert": "/c.pem"}, "http": {"tls": "self"}}


def test_the_help_names_every_flag() -> None:
    told = printed("serve", "--help", COLUMNS="200")
    assert told.returncode == 0
    assert [flag for flag in ("--data", *FLAGS) if flag not in told.stdout] == []
    for default in ("0.0.0.0", "8000", "text", "info"):
        assert default in told.stdout


def test_the_contract_names_every_flag_that_is_tried() -> None:
    [said] = [part for part in CONTRACT.read_text("utf-8").split("\n\n") if part.startswith("`restohub serve ")]
    assert set(re.findall(r"--[a-z-]+", said.partition("`. ")[0])) == {"--data", *FLAGS}


def test_the_defaults_are_those_of_the_contract() -> None:
    plain = Settings()
    assert (plain.host, plain.port, plain.tls_port) == ("0.0.0.0", 8000, 8443)
    assert (plain.log_format, plain.log_level, plain.log_days, plain.log_revisions) == ("text", "info", 7, 100_000)
    assert (plain.restaurants_max, plain.access, plain.tls) == (200, "open", "off")
    assert (plain.http, plain.advertise, plain.allow_public, plain.allowed_hosts) == (True, True, False, ())
    assert plain.shared_addresses == ("127.0.0.1", "::1")


@pytest.mark.parametrize("flag", FLAGS)
def test_each_flag_has_a_variable_and_a_key_and_goes_before_them(tmp_path: Path, flag: str) -> None:
    typed, value = FLAGS[flag]
    name = flag.removeprefix("--").removeprefix("no-").replace("-", "_")
    beside = BESIDE.get(name, {})
    variable, key = {f"RESTOHUB_{name.upper()}": typed or str(value)}, {name: value}

    def found(flags: dict[str, Any], environment: dict[str, str], file: dict[str, Any]) -> Any:
        lines = (f"{name} = {json.dumps(list(one) if isinstance(one, tuple) else one)}" for name, one in file.items())
        (tmp_path / "restohub.toml").write_text("\n".join(lines))
        try:
            return getattr(settings({"data": tmp_path, **flags}, environment), name)
        except SettingsError as error:
            pytest.fail(str(error))

    default = getattr(Settings(), name)
    assert default != value
    assert found(beside, {}, key) == found(beside, variable, {}) == value
    if isinstance(value, bool):
        assert found(beside, {f"RESTOHUB_{name.upper()}": str(default).lower()}, key) == default
        assert found({**beside, name: default}, variable, {}) == default
    else:
        assert found({**beside, name: typed if isinstance(value, tuple) else value}, {}, {}) == value
