"""This package is how people learn where a hub is: at its start, by `restohub where`, by `restohub find`."""
