"""This package is the wire contract in code: JSON in, JSON out, messages, refusals. It does no I/O."""
