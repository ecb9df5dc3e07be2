"""All that the hub takes from uvicorn's inside."""
