"""This package is what the hub does by itself, without being asked."""
