"""Access: the devices that belong to the hub, their tokens and roles, and how a new one is paired."""
