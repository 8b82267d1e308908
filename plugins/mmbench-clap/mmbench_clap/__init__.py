"""CLAP for mmbench, through laion_clap or transformers."""
