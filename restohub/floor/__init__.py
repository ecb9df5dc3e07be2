"""The restaurant's own rules: pure, and with no idea that there is a network or a disk."""
