"""Who counts as another hub of the name, on a clock of the test's own."""

from __future__ import annotations

import asyncio
import sys
from ipaddress import ip_interface

import pytest

from restohub.limits import RIVAL_ANSWERS, RIVAL_ASKED_EVERY_S, RIVALS_ASKED_A_MINUTE, RIVALS_MAX
from restohub.live.clock import new_id
from restohub.net.name_conflicts import Rivals
from restohub.net.urls import host_name

OWN, OTHER = new_id(), new_id()
OWN_RUN, RUN = new_id(), new_id()
HOST = f"{host_name(OTHER)}."
OWN_HOST = f"{host_name(OWN)}."
AT = "10.77.0.66"
MACHINE = [ip_interface(one) for one in ("127.0.0.1/8", "10.77.0.1/24", "fe80::1/64", "fd77::1/64")]


class Neighbours:
    """Those who are asked: which id answers at which address, and who was asked when."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.ids: dict[str, str] = {}
        self.run = RUN
        self.asked: list[str] = []
        self.rivals = Rivals(OWN, OWN_RUN, self.answer, lambda: self.now, lambda: MACHINE)

    async def answer(self, address: str, port: int) -> tuple[str, str]:  # noqa: ARG002 (whoever asks gives it)
        """What the hub there says."""
        self.asked.append(address)
        return (self.ids[address], self.run) if self.ids.get(address) else ("", "")

    def pass_by(self, seconds: float, *claims: tuple[str, str]) -> None:
        """So much time, with these claims (host, sender) heard and somebody asked in each second of it."""
        for _ in range(int(seconds)):
            for host, sender in claims:
                self.rivals.note_announcement(host, sender, 8000)
            asyncio.run(self.rivals.ask_next())
            self.now += 1


def test_one_who_answers_three_times_within_a_minute_counts_and_not_before() -> None:
    near = Neighbours()
    near.ids[AT] = OTHER
    near.pass_by(RIVAL_ASKED_EVERY_S * (RIVAL_ANSWERS - 1), (HOST, AT))
    assert (len(near.asked), near.rivals.confirmed) == (RIVAL_ANSWERS - 1, [])
    near.pass_by(2, (HOST, AT))
    assert [rival.address for rival in near.rivals.confirmed] == [AT]
    near.pass_by(60, (HOST, AT))
    assert len(near.asked) == RIVAL_ANSWERS, "who counts is not asked again"


def test_one_with_our_own_id_counts_by_our_host_and_by_that_of_its_run() -> None:
    for host in (OWN_HOST, f"{host_name(RUN)}."):
        near = Neighbours()
        near.ids[AT] = OWN
        near.pass_by(RIVAL_ASKED_EVERY_S * (RIVAL_ANSWERS - 1), (host, AT))
        assert (len(near.asked), near.rivals.confirmed) == (RIVAL_ANSWERS - 1, [])
        near.pass_by(2, (host, AT))
        assert [(rival.id, rival.address) for rival in near.rivals.confirmed] == [(OWN, AT)]


@pytest.mark.parametrize("host", [OWN_HOST, f"{host_name(OWN_RUN)}."], ids=["usual", "of its run"])
@pytest.mark.parametrize("sender", ["10.77.0.1", "fd77::1", "fe80::1%2", AT])
def test_we_are_no_copy_of_ourselves_on_no_interface_nor_behind_a_reflector_or_a_proxy(host: str, sender: str) -> None:
    near = Neighbours()
    near.ids[AT], near.run = OWN, OWN_RUN
    near.pass_by(120, (host, sender))
    near.ids.clear()  # such as an address that was ours before the router gave us another
    near.pass_by(60, (host, sender))
    assert near.rivals.confirmed == []


def test_one_answer_that_does_not_come_ends_the_count() -> None:
    near = Neighbours()
    near.ids[AT] = OTHER
    near.pass_by(RIVAL_ASKED_EVERY_S * (RIVAL_ANSWERS - 1), (HOST, AT))
    near.ids.clear()
    near.pass_by(2, (HOST, AT))
    near.ids[AT] = OTHER
    near.pass_by(RIVAL_ASKED_EVERY_S, (HOST, AT))
    assert near.rivals.confirmed == []


@pytest.mark.parametrize("answering", ["", OWN, new_id()], ids=["nobody", "ourselves", "another hub"])
def test_who_is_not_the_hub_that_was_announced_never_counts(answering: str) -> None:
    near = Neighbours()
    near.ids[AT] = answering
    near.pass_by(120, (HOST, AT))
    assert near.asked
    assert near.rivals.answering == []


@pytest.mark.parametrize(
    "sender", ["127.0.0.1", "fd77::1", "fe80::1%2", "10.78.0.1", "8.8.8.8", "224.0.0.251", "0.0.0.0", "2001:db8::1"]
)
def test_nobody_is_asked_on_this_machine_or_beyond_its_link(sender: str) -> None:
    near = Neighbours()
    near.pass_by(60, (HOST, sender))
    assert (near.asked, near.rivals.confirmed) == ([], [])


@pytest.mark.parametrize("sender", [AT, "fd77::66", "fe80::66%2"])
def test_a_neighbour_on_the_link_is_asked_at_the_address_that_it_sent_from(sender: str) -> None:
    near = Neighbours()
    near.pass_by(1, (HOST, sender))
    assert near.asked == [sender]


@pytest.mark.skipif(sys.platform != "linux", reason="only of Linux is it known that nobody else can send from there")
def test_another_hub_on_this_machine_counts_without_being_asked() -> None:
    near = Neighbours()
    near.pass_by(1, (HOST, "10.77.0.1"))
    assert (near.asked, len(near.rivals.confirmed)) == ([], 1)


def test_thousands_who_claim_the_name_are_neither_remembered_nor_asked() -> None:
    near = Neighbours()
    near.ids[AT] = OTHER
    near.pass_by(1, (HOST, AT))
    for n in range(120):
        near.pass_by(1, *((f"h{n}-{m}.local.", f"10.77.0.{m + 100}") for m in range(50)), (HOST, AT))
    assert len(near.rivals._known) <= RIVALS_MAX
    assert len(near.asked) <= 2 * RIVALS_ASKED_A_MINUTE + 4
    assert [rival.address for rival in near.rivals.confirmed] == [AT], "and they do not crowd out one who answers"


def test_who_has_fallen_silent_counts_no_more() -> None:
    near = Neighbours()
    near.ids[AT] = OTHER
    near.pass_by(60, (HOST, AT))
    near.pass_by(70)
    near.pass_by(1, ("h.local.", "10.77.0.99"))
    assert near.rivals.confirmed == []
