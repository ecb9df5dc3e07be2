"""The hub's upkeep: what it does by itself, without being asked."""
