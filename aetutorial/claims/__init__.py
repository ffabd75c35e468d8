"""Claims: what they say, whether they hold, and the numbers that a run records."""
