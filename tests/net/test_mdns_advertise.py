"""The names under which a hub is announced, as facts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restohub.live.clock import new_id
from restohub.net.mdns_advertise import instance_label
from restohub.net.urls import host_name


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Trattoria", "Trattoria"),
        ("Gru\u0308n", "Grün"),
        ("St. Anna", "St\u2024 Anna"),
        ("a\tb\x00c", "a b c"),
        ("   ", "restohub"),
        ("é" * 200, "é" * 31),
        ("x" * 62 + "é", "x" * 62),
        ("x" * 61 + "q\u0323\u0307", "x" * 61),
        ("x" * 55 + "\U0001f468\u200d\U0001f373", "x" * 55),
    ],
)
def test_a_label_is_the_name_as_far_as_it_fits(name: str, label: str) -> None:
    assert instance_label(name) == label


@given(st.text(max_size=200), st.sampled_from(["", " (ab12cd)"]))
def test_a_label_is_never_empty_too_long_or_cut_by_a_dot(name: str, ending: str) -> None:
    label = instance_label(name, ending)
    assert 0 < len(label.encode()) <= 63
    assert "." not in label
    assert label.endswith(ending)


def test_hubs_that_were_installed_in_the_same_moment_have_host_names_of_their_own() -> None:
    ids = [new_id() for _ in range(50)]
    assert len({host_name(one) for one in ids}) == 50
    assert host_name("01a20459-96ae-7fe3-ae8b-9b68f55EDADB") == "restohub-5edadb.local"
