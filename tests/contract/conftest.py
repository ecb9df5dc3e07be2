"""The fixtures of the contract tests: a floor on the shared hub, checked after each test for what always holds."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.contract.floor_client import Floor, checked_floor


@pytest.fixture
def floor(api: httpx.Client, restaurant: int) -> Iterator[Floor]:
    """The floor of a restaurant of the test's own."""
    yield from checked_floor(api, restaurant)
