"""The stage of these tests: a network of machines, hubs of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.net.announced_hubs import AnnouncedHub, hubs_on_machines
from tests.net.network import Network, a_network


@pytest.fixture
def network() -> Iterator[Network]:
    """A network of the test's own: each sees its own hubs alone."""
    yield from a_network()


@pytest.fixture
def start_hub(tmp_path: Path, network: Network) -> Iterator[Callable[..., AnnouncedHub]]:
    """Starts hubs on machines; each is stopped at the end."""
    yield from hubs_on_machines(tmp_path)
