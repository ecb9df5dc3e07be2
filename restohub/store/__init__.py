"""The only place that knows SQL: one SQLite file that holds the floors as rows and as a log."""
