"""The plugin mmbench-ridge for mmbench."""
