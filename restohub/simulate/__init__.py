"""A simulated evening: a client that speaks the wire and shares nothing with the hub."""
