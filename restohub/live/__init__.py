"""This package is the running floor: one writer, one feed, one clock."""
