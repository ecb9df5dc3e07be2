"""This package is `restohub remove`: what one address made of late is taken away through the running hub."""
