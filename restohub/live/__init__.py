"""The running floor: one writer, one feed, one clock."""
