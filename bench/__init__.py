"""Benchmarks against peers, in turns in one run, since machines are noisy: trust the ratios."""
