"""New plugins: an installable package that works before its author writes a line."""
