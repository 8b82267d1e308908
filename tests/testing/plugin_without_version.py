"""Hooks of a plugin that does not say which API version it was written for."""
