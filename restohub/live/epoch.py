"""This file is the epoch: which history the hub's revisions belong to, and whether it began anew in this run."""

from __future__ import annotations

BEGAN = "A new epoch began, and every client takes the whole floor anew."
PUT_BACK = f"The data are not as the last run left them: a copy was put back, or the disk went back. {BEGAN}"


class Epoch:
    """The present epoch. `incident` says why history went back, None where it did not in this run."""

    def __init__(self, name: str, incident: str | None = None) -> None:
        self.name = name
        self.incident = incident

    def begin(self, name: str, incident: str) -> None:
        """From now on revisions are of this epoch."""
        self.name, self.incident = name, incident
