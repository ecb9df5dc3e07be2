"""The epoch: which history the hub's revisions belong to, and the warnings about it."""

from __future__ import annotations

from restohub.limits import CLAIM_EVERY_S

BEGAN = "A new epoch began, and every client takes the whole floor anew."
PUT_BACK = f"The data are not as the last run left them: a copy was put back, or the disk went back. {BEGAN}"
# Newest incidents that `/health` shows; the log has all of them.
INCIDENTS_SHOWN = 5


class Epoch:
    """The present epoch.

    `incidents` say why it began in this run, and are empty where it did not. `claimed_at` is when a client last had one
    begin (UTC seconds of the hub's time, which outlive the run). `clock` says what is wrong with the machine's clock.
    """

    def __init__(self, name: str, incident: str | None = None, claimed_at: int | None = None) -> None:
        self.name = name
        self.incidents = [incident] if incident else []
        self.claimed_at = claimed_at
        self.clock: str | None = None
        self._doubted: tuple[str, float] | None = None

    def begin(self, name: str, incident: str) -> None:
        """From now on revisions are of this epoch."""
        self.name = name
        self.incidents = [*self.incidents, incident][-INCIDENTS_SHOWN:]

    def doubt(self, claim: str, now: float) -> None:
        """Note a client's claim that was not believed; `now` are seconds of a monotonic clock."""
        self._doubted = claim, now

    def warnings(self, now: float) -> list[str]:
        """What a person should know: incidents of this run, a claim of the last day, the clock."""
        doubted = [claim for claim, at in [self._doubted or ("", 0.0)] if claim and now - at < CLAIM_EVERY_S]
        return [*self.incidents, *doubted, *([self.clock] if self.clock else [])]
