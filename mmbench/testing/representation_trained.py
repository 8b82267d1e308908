"""Checks: representations that mmbench trains."""

from __future__ import annotations
