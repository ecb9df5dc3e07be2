"""Roles: what a device may do, and what a route asks for."""

from __future__ import annotations

from typing import Literal

Role = Literal["view", "host", "manager"]
Need = Literal["anyone", "view", "host", "manager"]
Mode = Literal["open", "closed"]
Over = Literal["http", "tls"]
RANKS: dict[str, int] = {"anyone": 0, "view": 1, "host": 2, "manager": 3}


def suffices(role: Role, need: Need) -> bool:
    """Whether a role may do what needs this."""
    return RANKS[role] >= RANKS[need]
