"""Checks: representations whose vectors are looked up."""

from __future__ import annotations
