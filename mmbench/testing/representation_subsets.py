"""Checks: offers for several slots, and missing modalities."""

from __future__ import annotations
