"""Hooks of a plugin that print."""

MMBENCH_API_VERSION = 1
print("welcome!")  # noqa: T201
