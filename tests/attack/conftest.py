"""What the attacks have in common: a hub of their own for each file, confined as its unit confines it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.attack.parsers import without_httptools
from tests.attack.stranger import RSS_MB_MAX, confined, peak_rss_mb
from tests.conftest import Hub


@contextlib.contextmanager
def attacked(hub: Hub) -> Iterator[Hub]:
    """A hub that is attacked; at the end it must still run, and never have held more than 300 MB."""
    with confined(hub.start()):
        yield hub
        assert hub.process is not None
        assert hub.process.poll() is None, f"the hub ended: {hub.said()[-2000:]}"
        assert peak_rss_mb(hub) <= RSS_MB_MAX
        assert hub.stop() == 0


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub that is attacked."""
    with attacked(Hub(tmp_path_factory.mktemp("target") / "data")) as hub:
        yield hub


@pytest.fixture(scope="module", params=["httptools", "h11"])
def either(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub that is attacked, with each of the two HTTP parsers."""
    folder = tmp_path_factory.mktemp("either")
    with attacked(Hub(folder / "data", env=without_httptools(folder) if request.param == "h11" else {})) as hub:
        yield hub
        assert "Traceback" not in hub.said()
