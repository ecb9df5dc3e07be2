"""What a device's own changes are worth beside those of others: of one guest, told step by step."""

from __future__ import annotations

from typing import Any

from restohub.floor.commands import Delete, GuestFields, Update
from restohub.floor.device_changes import OwnChange, OwnWork
from restohub.floor.model import Guest
from restohub.floor.outcomes import Accepted, Refused
from tests.floor.floor_harness import FloorHarness


class Device:
    """A device that read the guest once and sends what it changed off-line, while others change him too."""

    def __init__(self) -> None:
        self.story = FloorHarness().furnish()
        self.own = OwnWork()
        self.read = self.guest

    @property
    def guest(self) -> Guest:
        """The guest as he is."""
        return self.story.floor.guests["g1"]

    def others(self, **fields: Any) -> None:
        """Somebody else changes him."""
        assert isinstance(self.story.tell(Update(kind="guest", id="g1", fields=GuestFields(**fields))), Accepted)

    def update(self, *, whole: bool = False, based: bool = True, **fields: Any) -> bool:
        """Send a change, with what was read as its base; False where it is a conflict."""
        base: dict[str, Any] = {"base_version": self.read.version, "base": self.read} if based else {}
        seen = self.read if whole else None
        return self._tell(Update(kind="guest", id="g1", fields=GuestFields(**fields), seen=seen, **base))

    def delete(self) -> bool:
        """Delete him, with what was read as the base; False where it is a conflict."""
        return self._tell(Delete(kind="guest", id="g1", base_version=self.read.version))

    def _tell(self, command: Update | Delete) -> bool:
        before = self.story.floor
        command = self.own.rebased(command, before)
        verdict = self.story.tell(command)
        if isinstance(verdict, Refused):
            assert verdict.code == "version_conflict"
            return False
        assert isinstance(verdict, Accepted)
        self.own.committed(before, verdict.changes)
        if isinstance(command, Update):
            self.own.sent(command, before, before.revision + 1)
        return True


def test_a_device_does_not_conflict_with_itself() -> None:
    pad = Device()
    assert all(pad.update(party_size=size) for size in (3, 4, 2))
    assert pad.guest.party_size == 2
    assert pad.delete()


def test_a_change_by_others_stays_one_whatever_the_device_did_before_and_after() -> None:
    pad = Device()
    assert pad.update(notes="own")
    pad.others(notes="theirs")
    assert pad.update(party_size=3)
    assert pad.update(notes="own again", based=False)
    assert not pad.update(notes="x")
    assert pad.update(party_size=4)
    assert not pad.delete()


def test_what_others_set_to_the_wanted_value_is_no_conflict() -> None:
    pad = Device()
    assert pad.update(notes="own")
    pad.others(notes="theirs")
    assert pad.update(notes="theirs")


def test_what_the_device_had_read_counts_with_what_it_sent_since() -> None:
    pad = Device()
    assert pad.update(whole=True, notes="own", party_size=2)
    pad.others(notes="theirs")
    assert pad.update(whole=True, notes="own", quoted_wait=5)
    assert (pad.guest.notes, pad.guest.quoted_wait) == ("theirs", 5)
    assert not pad.update(whole=True, notes=None), "to take it back is a wish, and another has changed it"
    assert pad.update(whole=True, based=False, notes=None)
    assert pad.guest.notes is None


def test_what_a_change_brought_with_it_is_not_taken_back_by_a_stale_echo() -> None:
    """The device sends whole guests; it does not know when the hub seated him."""
    pad = Device()
    assert pad.update(whole=True, status="seated", seated_time=None)
    seated = pad.guest.seated_time
    assert seated is not None
    assert pad.update(whole=True, status="seated", seated_time=None, notes="x")
    assert pad.guest.seated_time == seated


def test_a_name_in_one_piece_counts_as_its_parts() -> None:
    pad = Device()
    assert pad.update(whole=True, name="Eva Berg")
    assert pad.update(whole=True, name=pad.read.name)
    assert pad.guest.name == pad.read.name


def test_own_changes_of_before_count_as_those_of_now() -> None:
    pad = Device()
    pad.others(notes="of an earlier queue")
    pad.own = OwnWork([OwnChange(pad.read, pad.guest)])
    assert pad.update(notes="x")
    pad.own = OwnWork()
    assert not pad.update(notes="y")
