"""Checks: metrics are possible, monotone, and functions of per-item scores."""

from __future__ import annotations
