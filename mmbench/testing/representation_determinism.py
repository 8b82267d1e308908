"""Checks: the same input gives the same vectors, always and everywhere."""

from __future__ import annotations
