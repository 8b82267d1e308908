"""Checks: devices and precisions."""

from __future__ import annotations
