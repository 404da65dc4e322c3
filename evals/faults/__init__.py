"""What survives when processes are killed and people cannot be reached: ``python -m evals.faults``."""
