"""Plain array functions: scores, their aggregation and their intervals. They know nothing of mmbench."""
