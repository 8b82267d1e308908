"""Checks: a sample is written, read back, and reads nothing of this machine."""

from __future__ import annotations
