"""This package is all that the hub takes from uvicorn's inside."""
