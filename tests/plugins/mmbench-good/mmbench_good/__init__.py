"""A sound plugin that brings one of each."""
