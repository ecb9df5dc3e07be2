"""This package is a simulated evening: a client that speaks the wire and shares nothing with the hub."""
