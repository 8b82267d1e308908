"""Checks: scoring is a pure function."""

from __future__ import annotations
