"""HTTP and WebSocket on litestar and uvicorn."""
