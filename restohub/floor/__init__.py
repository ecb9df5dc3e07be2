"""The restaurant's rules: pure functions that know neither network nor disk."""
