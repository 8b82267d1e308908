"""Plain array functions: scores, their aggregation, intervals. They know nothing of mmbench."""
