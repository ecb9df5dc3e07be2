"""What the doctor says of TLS, and what the hub says that does not start with such a certificate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import Hub, free_port
from tests.contract.test_command import ended
from tests.doctor.run_doctor import NAMES, asked
from tests.net.test_certificate import DAY, another_key, pair

WITH_TLS = [*NAMES[:2], "TLS", *NAMES[2:]]


def settings(hub: Hub, text: str) -> None:
    """What its restohub.toml says."""
    hub.data.mkdir(exist_ok=True)
    (hub.data / "restohub.toml").write_text(text)


def test_the_certificate_of_a_hub_is_named_and_one_that_waits_for_a_restart(
    new_hub: Callable[..., Hub], tmp_path: Path
) -> None:
    hub = new_hub()
    certificate, key = pair(tmp_path, -DAY, 90 * DAY)
    settings(hub, f'tls_cert = "{certificate}"\ntls_key = "{key}"\ntls_port = {free_port()}\n')
    args = ("--port", str(hub.port), "--host", "127.0.0.1")
    free = asked(hub.data, *args, names=WITH_TLS).checks["TLS"]
    assert free["result"] == "well"
    hub.start()
    assert asked(hub.data, *args, names=WITH_TLS).checks["TLS"] == free
    pair(tmp_path, -DAY, 20 * DAY)
    soon = asked(hub.data, *args, names=WITH_TLS)
    assert (soon.status, soon.checks["TLS"]["result"]) == (0, "warning")
    assert "The certificate of TLS ends on" in soon.checks["TLS"]["found"]
    pair(tmp_path, -DAY, 90 * DAY)
    later = asked(hub.data, *args, names=WITH_TLS).checks["TLS"]
    assert (later["result"], later["fix"]) == ("warning", "Restart it.")


@pytest.mark.parametrize(
    ("begin", "end", "spoilt", "said"),
    [
        (-2 * DAY, -DAY, False, "has expired, by this machine's clock"),
        (-DAY, DAY, True, "is not the private key of the certificate"),
    ],
)
def test_a_certificate_that_cannot_be_used_ends_the_start_and_is_wrong(
    tmp_path: Path, begin: timedelta, end: timedelta, spoilt: bool, said: str
) -> None:
    files = pair(tmp_path, begin, end)
    if spoilt:
        another_key(*files)
    data, port = tmp_path / "data", str(free_port())
    certificate, key = map(str, files)
    done = ended("--data", str(data), "--port", port, RESTOHUB_TLS_CERT=certificate, RESTOHUB_TLS_KEY=key)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert said in done.stderr
    asking = asked(data, "--port", port, names=WITH_TLS, RESTOHUB_TLS_CERT=certificate, RESTOHUB_TLS_KEY=key)
    assert (asking.status, asking.checks["TLS"]["result"]) == (1, "wrong")
    assert said in asking.checks["TLS"]["found"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--tls-cert", "hub.crt"], "tls_cert and tls_key must be named together"),
        (["--tls", "self", "--tls-cert", "a", "--tls-key", "b"], "tls = self is the hub's own certificate"),
        (["--no-http"], "Without HTTP there must be TLS"),
        (["--tls", "self", "--tls-port", "8000"], "HTTP and TLS cannot share port 8000."),
        (["--tls", "on"], "tls in the command line must be off or self, not 'on'."),
    ],
)
def test_settings_that_cannot_be_meant_together_are_said(tmp_path: Path, args: list[str], said: str) -> None:
    done = ended("--data", str(tmp_path), *args)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert said in done.stderr
