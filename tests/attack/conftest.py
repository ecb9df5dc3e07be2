"""What the attacks have in common: a hub of their own for each file, confined as its unit confines it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from restohub.open_files import allow_many_sockets
from tests.access.closed_hub import bearer, machine_token
from tests.access.tls_hub import TlsHub
from tests.attack.parsers import without_httptools
from tests.attack.stranger import RSS_MB_MAX, confined, peak_rss_mb
from tests.conftest import Hub

# An attacker has more connections than a user's shell allows a process.
allow_many_sockets()


@contextlib.contextmanager
def attacked(hub: Hub) -> Iterator[Hub]:
    """A hub that is attacked; at the end it must still run, and never have held more than 300 MB."""
    with confined(hub.start()):
        yield hub
        assert hub.process is not None
        assert hub.process.poll() is None, f"the hub ended: {hub.said()[-2000:]}"
        assert peak_rss_mb(hub) <= RSS_MB_MAX
        assert hub.stop() == 0


class Door:
    """What a hub asks of whoever comes: its own machine, and with it the tests' `hub.client()`, shows a token."""

    def client(self, **options: Any) -> httpx.Client:
        """An HTTP client of the hub's own machine; paths begin at the root."""
        hub = cast(Hub, self)
        shown = {**bearer(machine_token(hub)), **options.pop("headers", {})}
        return Hub.client(hub, headers=shown, **options)


class ClosedHub(Door, Hub):
    """A hub that is closed to strangers."""


class ClosedTlsHub(Door, TlsHub):
    """A hub that is closed to strangers, over TLS."""


CLOSED, TLS = ("--access", "closed"), ("--tls", "self")
# Those who attack are strangers, who have no token; the house's iPads have one where the hub is closed.
HUBS: dict[str, Callable[[Path], Hub]] = {
    "open": Hub,
    "h11": lambda data: Hub(data, env=without_httptools(data.parent)),
    "tls": lambda data: TlsHub(data, *TLS),
    "closed": lambda data: ClosedHub(data, *CLOSED),
    "closed-tls": lambda data: ClosedTlsHub(data, *TLS, *CLOSED),
}
LONG = pytest.mark.long


def of_kinds(*kinds: Any) -> Any:
    """A fixture of a hub that is attacked, once for each kind."""

    @pytest.fixture(scope="module", params=kinds)
    def hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
        with attacked(HUBS[request.param](tmp_path_factory.mktemp("target") / "data")) as found:
            yield found
            assert "Traceback" not in found.said()

    return hub


# What each test of the transport runs on; over TLS in the long run.
target = of_kinds("open", pytest.param("tls", marks=LONG))
either = of_kinds("open", "h11", pytest.param("tls", marks=LONG))
# What those run on that ask what an attack costs the house.
besieged = of_kinds("open", "closed", "closed-tls")
besieged_either = of_kinds("open", "h11", "closed", "closed-tls")
