"""Checks: the smallest, emptiest and longest payloads."""

from __future__ import annotations
