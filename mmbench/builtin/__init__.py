"""What mmbench brings along: the embedded numbers world and baselines that need no torch."""
