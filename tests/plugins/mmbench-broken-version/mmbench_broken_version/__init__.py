"""Names an API version that is none."""
