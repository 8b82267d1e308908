"""Families of tasks: how arrays become per-item scores. Each is ready for real datasets."""
