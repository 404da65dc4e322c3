"""The routes of ``/v1`` and of health; each module makes one router over a ``Service``."""
