"""One of its hooks returns something else than specs."""
