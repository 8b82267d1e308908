"""Audio-visual benchmarks for mmbench: pictures and sounds that belong together."""
