"""What can go wrong in an evaluation; the text of each error is one sentence that says what to do.

EvalError                base of this package's errors
├── QuestionsError       a questions or conversations file cannot be used (source, line, reason)
├── GatesError           the gates file cannot be used
└── RunError             a run folder is missing, foreign, or does not fit what is asked of it
"""

from __future__ import annotations


class EvalError(Exception):
    """Base of this package's errors; ``str(error)`` is one sentence that says what to do."""


class QuestionsError(EvalError):
    """A questions or conversations file cannot be used."""

    def __init__(self, reason: str, *, source: str, line: int = 0) -> None:
        super().__init__(f"{source}:{line}: {reason}" if line else f"{source}: {reason}")
        self.reason = reason
        self.source = source
        self.line = line


class GatesError(EvalError):
    """The gates file cannot be used."""


class RunError(EvalError):
    """A run folder is missing, foreign, or does not fit what is asked of it."""
