"""Imports a name that mmbench.api has never had."""
