"""Checks: what a representation says of itself is complete and true."""

from __future__ import annotations
