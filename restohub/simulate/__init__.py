"""A simulated evening, played by a client that shares nothing with the hub."""
