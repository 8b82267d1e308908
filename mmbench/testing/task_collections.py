"""Checks: the collections that a task works on."""

from __future__ import annotations
