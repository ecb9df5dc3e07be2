"""The report of the night: which business day, what it counts, how it is shown."""
