"""Checks: broken, missing, moved and superfluous files."""

from __future__ import annotations
