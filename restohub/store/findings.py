"""Findings: the rules that a sound store keeps, and the sentences for where it does not."""

from __future__ import annotations

from msgspec import Struct

LEFT = "{kind} {entity_id} of restaurant {restaurant_id} is not as revision {revision} of the log left it"


class Rule(Struct, frozen=True):
    """What must hold, by the two sentences that say that it does not: as `verify` lists it, and as a start refuses it.

    `refused` is None for what a start serves nevertheless.
    """

    listed: str
    refused: str | None = None


NAME_DAMAGED = Rule("The hub's own {name} fails its checksum.", "the hub's own {name} fails its checksum")
DEVICE_DAMAGED = Rule("A device cannot be read: {error}.", "a device cannot be read: {error}")
PERSON_DAMAGED = Rule("A person of the staff cannot be read: {error}.", "a person of the staff cannot be read: {error}")
NAME_MISSING = Rule("The hub's own {name} is missing.")

ROW_DAMAGED = Rule(
    "A row cannot be read: it fails its checksum.",
    "the row of {kind} {entity_id} of restaurant {restaurant_id} fails its checksum",
)
ROW_OF_ANOTHER = Rule(
    "A row cannot be read: it holds another entity, or another version of it.",
    "the row of {kind} {entity_id} of restaurant {restaurant_id} holds another entity, or another version of it",
)
ROW_UNREADABLE = Rule("A row cannot be read: {error}.", "a row cannot be read: {error}")

COMMIT_DAMAGED = Rule(
    "A commit of the log fails its checksum.",
    "revision {revision} of restaurant {restaurant_id} fails its checksum in the log",
)
COMMIT_UNREADABLE = Rule("A commit of the log cannot be read: {error}.", "a row cannot be read: {error}")
COMMIT_EARLIER = Rule(
    "A commit is older than the one that it follows.",
    "revision {revision} of restaurant {restaurant_id} was committed before the one that it follows",
)
COMMIT_SKIPS = Rule("A commit follows revision {was} of an entity whose last one was {known}.")
COMMIT_OF_ANOTHER = Rule("A commit holds another entity's image.")
GAP = Rule(
    "The log has a gap: revision {revision}{upto} is missing.",
    "the log has a gap: revision {revision} of restaurant {restaurant_id} is missing",
)
CUT_OFF = Rule(
    "The log cannot be read up to its end.", "the log of restaurant {restaurant_id} cannot be read up to its end"
)

REMOVAL_DAMAGED = Rule(
    "A removal fails its checksum.",
    "the removal of {kind} {entity_id} of restaurant {restaurant_id} fails its checksum",
)

NO_LOG = Rule(
    "A {what} is newer than its log, which ends at {last}.",
    "restaurant {restaurant_id} has rows up to revision {revision} and no log",
)
BEYOND_LOG = Rule(
    "A {what} is newer than its log, which ends at {last}.",
    "restaurant {restaurant_id} has a row of revision {revision}, its log ends at {last}",
)
GONE_AND_THERE = Rule("The log says that an entity is gone, and its row is there.", LEFT)
REMOVAL_LOST = Rule(
    "The log says that an entity is gone, and its removal is not there.",
    "the removal of {kind} {entity_id} of restaurant {restaurant_id} is lost",
)
ROW_LOST = Rule("The row of an entity that the log knows is missing.", LEFT)
ROW_DIFFERS = Rule("A row is not as the log left it.", LEFT)
ROW_UNNAMED = Rule(
    "A row names a revision that says nothing of it.",
    "{kind} {entity_id} of restaurant {restaurant_id} says revision {revision}, which does not name it in the log",
)
REMOVAL_UNNAMED = Rule(
    "A removal names a revision that says nothing of it.",
    "revision {revision} of restaurant {restaurant_id} did not remove {kind} {entity_id}",
)
VISIT_DAMAGED = Rule("A visit fails its checksum.")
AUDIT_DAMAGED = Rule("An entry of the audit fails its checksum.")
VISIT_LOST = Rule("The log says that a guest was done when he left, and his visit is not there.")
VISIT_DIFFERS = Rule("A visit is not as the log left the guest.")
VISIT_UNNAMED = Rule("A visit names a revision that did not remove the guest.")
BOTH = Rule("An entity is there and gone at once.")
NO_RESTAURANT = Rule(
    "An entity's restaurant does not exist.",
    "there are guests or tables of a restaurant {restaurant_id} that does not exist",
)
TABLE_WITHOUT_HIM = Rule("A guest is at table {other}, which does not have him.")
GUEST_ELSEWHERE = Rule("A table has guest {other}, who is not at it.")


class Finding:
    """One rule that does not hold, and where; of a guest it says nothing but his id."""

    __slots__ = ("entity_id", "kind", "restaurant_id", "revision", "rule", "words")

    def __init__(
        self,
        rule: Rule,
        restaurant_id: int | None = None,
        revision: int | None = None,
        who: tuple[str, str] | None = None,
        **words: object,
    ) -> None:
        """`who` is a kind and an id, `words` what else the sentences name."""
        self.rule = rule
        self.restaurant_id = restaurant_id
        self.revision = revision
        self.kind = who and who[0]
        self.entity_id = who and who[1]
        self.words = words

    @property
    def listed(self) -> str:
        """The sentence of a list, to stand after the place."""
        return self._said(self.rule.listed)

    @property
    def refused(self) -> str | None:
        """The sentence with which a start is refused, the place in it; None where it is not."""
        return None if self.rule.refused is None else self._said(self.rule.refused)

    def _said(self, sentence: str) -> str:
        where = {name: getattr(self, name) for name in ("restaurant_id", "revision", "kind", "entity_id")}
        return sentence.format(**where, **self.words)
