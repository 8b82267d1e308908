"""Checks: what else an encoder does besides encoding."""

from __future__ import annotations
