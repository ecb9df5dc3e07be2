"""What the doctor says of TLS, and what the hub says that does not start with such a certificate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from restohub.net.certificate import read_certificate
from restohub.net.served_certificate import PLAIN_ALONE
from tests.conftest import Hub, free_port
from tests.contract.answers import ok
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
    assert (later["result"], later["fix"]) == ("warning", "Within a minute it shows the new one.")


def test_with_an_expired_certificate_the_evening_goes_on_and_it_is_said(
    new_hub: Callable[..., Hub], tmp_path: Path
) -> None:
    certificate, key = pair(tmp_path, -2 * DAY, -DAY)
    hub, said = new_hub(), "has expired, by this machine's clock"
    settings(hub, f'tls_cert = "{certificate}"\ntls_key = "{key}"\ntls_port = {free_port()}\n')
    hub.start()
    with hub.client() as api:
        health = ok(api.get("/health"))
        assert said in " ".join(health["database"]["warnings"])
        assert health["tls"]["fingerprint"] == read_certificate(certificate, key).fingerprint
        assert said.replace("'", "&#x27;") in api.get("/about").text
    assert said in hub.said()
    asking = asked(hub.data, "--port", str(hub.port), "--host", "127.0.0.1", names=WITH_TLS)
    assert (asking.status, asking.checks["TLS"]["result"]) == (1, "wrong")
    assert said in asking.checks["TLS"]["found"]


def test_with_a_key_of_another_certificate_plain_http_goes_on_and_without_it_the_start_ends(
    new_hub: Callable[..., Hub], tmp_path: Path
) -> None:
    files = pair(tmp_path, -DAY, DAY)
    another_key(*files)
    hub, said = new_hub(), f"{files[1]} is not the private key of the certificate {files[0]}."
    settings(hub, f'tls_cert = "{files[0]}"\ntls_key = "{files[1]}"\ntls_port = {free_port()}\n')
    done = ended("--data", str(hub.data), "--no-http")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert said in done.stderr
    hub.start()
    with hub.client() as api:
        health = ok(api.get("/health"))
    assert health["tls"] is None
    assert f"{said} {PLAIN_ALONE}" in health["database"]["warnings"]
    assert f"{said} {PLAIN_ALONE}" in hub.said()
    args = ("--port", str(hub.port), "--host", "127.0.0.1")
    found = asked(hub.data, *args, names=WITH_TLS).checks["TLS"]
    assert (found["result"], found["found"], found["fix"]) == ("wrong", said, PLAIN_ALONE)
    pair(tmp_path, -DAY, 90 * DAY)
    assert asked(hub.data, *args, names=WITH_TLS).checks["TLS"]["fix"] == "Restart it."


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
