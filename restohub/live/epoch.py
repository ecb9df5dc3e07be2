"""This file is the epoch: which history the hub's revisions belong to, and whether it began anew in this run."""

from __future__ import annotations

PUT_BACK = "An older copy of the data was put back: a new epoch began, and every client takes the whole floor anew."


class Epoch:
    """The present epoch. `incident` says why history went back, None where it did not in this run."""

    def __init__(self, name: str, incident: str | None = None) -> None:
        self.name = name
        self.incident = incident
