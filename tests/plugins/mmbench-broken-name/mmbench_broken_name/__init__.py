"""Brings names that would write all over the screen."""
