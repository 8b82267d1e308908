"""Representations, tasks and datasets that misbehave on purpose."""
