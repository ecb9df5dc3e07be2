"""restohub: the hub in a restaurant's back office, by which every iPad shows the same guests and tables."""
