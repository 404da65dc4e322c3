"""Words of the intent model, and its parameters as ``evals/training/intents.py`` fits them."""
