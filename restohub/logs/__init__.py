"""The log: its lines, its events, its outlet."""
