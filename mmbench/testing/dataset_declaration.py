"""Checks: what a dataset says of itself, and of a folder."""

from __future__ import annotations
