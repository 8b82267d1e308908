"""Checks: a vector depends on its own item and on nothing else in the batch."""

from __future__ import annotations
