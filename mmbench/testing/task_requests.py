"""Checks: what a task wants encoded."""

from __future__ import annotations
