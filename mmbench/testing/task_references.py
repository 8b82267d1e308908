"""Checks: perfect, random, constant and broken vectors score as they must."""

from __future__ import annotations
