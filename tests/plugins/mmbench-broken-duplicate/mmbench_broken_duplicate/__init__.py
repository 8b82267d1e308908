"""Takes names that others have."""
