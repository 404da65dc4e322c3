"""Words and fitted parameters of the intent model; written by ``evals/training/intents.py``, but for the YAML."""
