"""CLIP and its relatives for mmbench, through open_clip."""
