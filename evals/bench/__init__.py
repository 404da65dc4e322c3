"""Budgets of speed, memory and freshness, measured as ratios within one run: ``python -m evals.bench``."""
