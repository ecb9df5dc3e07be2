"""This package is HTTP and WebSocket on litestar and uvicorn."""
