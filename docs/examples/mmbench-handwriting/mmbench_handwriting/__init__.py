"""The plugin mmbench-handwriting for mmbench."""
