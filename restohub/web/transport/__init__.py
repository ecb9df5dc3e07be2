"""Everything that touches uvicorn's internals."""
