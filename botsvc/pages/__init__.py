"""The pages that customers see: asking at ``/``, and the help center at ``/help``."""
