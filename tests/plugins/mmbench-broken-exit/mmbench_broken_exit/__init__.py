"""Ends the process that imports it."""
