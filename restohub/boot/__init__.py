"""How a machine starts the hub by itself, when it boots and when the hub has failed."""
