"""Deflection evals: question sets, measures, runs, reports and benchmarks."""
