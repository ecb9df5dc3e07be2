"""This file is what the attacks have in common: a hub of their own for each file, confined as its unit confines it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attack.stranger import RSS_MB_MAX, confined, peak_rss_mb
from tests.conftest import Hub


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub that is attacked; at the end it must still run, and never have held more than 300 MB."""
    hub = Hub(tmp_path_factory.mktemp("target") / "data").start()
    with confined(hub):
        yield hub
        assert hub.process is not None
        assert hub.process.poll() is None, f"the hub ended: {hub.said()[-2000:]}"
        assert peak_rss_mb(hub) <= RSS_MB_MAX
        assert hub.stop() == 0
