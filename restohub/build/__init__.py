"""How the hub becomes one file that runs on any machine of the same kind, without Python on it."""
