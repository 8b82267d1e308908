"""Checks: what listing shows and costs, of every kind of plugin."""

from __future__ import annotations
