"""Imports a heavy package where its specs are."""
