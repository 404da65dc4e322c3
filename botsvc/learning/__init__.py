"""Learning from use: which confirmed questions may change what is answered, and what that would move."""
