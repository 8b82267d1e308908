"""The embedded numbers world: 000 to 999 in five modalities, fixed by a seed and a version."""
