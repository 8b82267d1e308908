"""CLIP and CLAP side by side, as if their spaces were one."""
