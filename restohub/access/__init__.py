"""Access: the devices that belong to the hub, their tokens and roles, how a new one is paired, and the staff."""
