"""The wire contract in code: JSON in, JSON out, messages, refusals, and no I/O."""
