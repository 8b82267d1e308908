"""Checks: what a task says of itself is complete and true."""

from __future__ import annotations
