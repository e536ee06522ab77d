"""Large Monte Carlo runs in chunks: the same answer for the same seed, whoever does the work."""
