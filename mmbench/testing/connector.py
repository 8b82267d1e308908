"""Checks: connectors."""

from __future__ import annotations
