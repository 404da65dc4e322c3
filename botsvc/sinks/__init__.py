"""Places outside that handoffs and messages go to: e-mail and webhooks, and the mail that comes back."""
