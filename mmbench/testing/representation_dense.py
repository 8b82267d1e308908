"""Checks: dense maps cover the whole frame, the right way up."""

from __future__ import annotations
