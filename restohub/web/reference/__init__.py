"""This package is the served reference: the hub's own page, the manual and the errors, made from the code's types."""
