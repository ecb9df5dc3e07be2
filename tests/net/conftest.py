"""The stage of the discovery's tests: a network, an iPad's ears in it, hubs of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.net.announced_hubs import AnnouncedHub, hubs_on_machines
from tests.net.avahi import AvahiMachine
from tests.net.network import Machine, Network, a_network

StartHub = Callable[..., AnnouncedHub]


@pytest.fixture(scope="package")
def network() -> Iterator[Network]:
    """One network for all; a test's hubs leave it at its end."""
    yield from a_network()


@pytest.fixture(scope="package")
def listener(network: Network) -> Machine:
    """A machine from which to ask and listen."""
    return network.machine("listener", "10.77.0.201/24")


@pytest.fixture(scope="package")
def pad(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AvahiMachine]:
    """One avahi for all."""
    running = AvahiMachine(network.machine("pad", "10.77.0.200/24"), tmp_path_factory.mktemp("pad"))
    yield running
    running.close()


@pytest.fixture
def start_hub(tmp_path: Path) -> Iterator[StartHub]:
    """Starts hubs on machines; each is stopped at the end."""
    yield from hubs_on_machines(tmp_path)
