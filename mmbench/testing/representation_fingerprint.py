"""Checks: fingerprints name the weights, and options are plain data."""

from __future__ import annotations
