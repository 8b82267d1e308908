"""One of its hooks raises."""
