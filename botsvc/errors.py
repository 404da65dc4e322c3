"""What can go wrong in the service, for its callers to tell apart.

BotError                      every error of this package; its text is one sentence that says what to do
├── ConversationError         a call about a conversation cannot be served
│   ├── UnknownConversation   there is none with this id
│   ├── MissingToken          the call has no token
│   ├── WrongToken            the token is not this conversation's
│   │   └── ExpiredToken      it was, and its time is over
│   ├── InvalidMessage        empty, too long, or with an id that cannot be used (field)
│   ├── MessageIdReused       the client's message id belongs to another message
│   └── ConversationFull      the conversation takes no more messages
├── UnknownHandoff            there is no handoff with this id
├── LessonError               examples, or decisions on them, cannot be used
└── StorageError              the database cannot be used
    ├── StorageBusy           it did not let us write in time: try again
    ├── StorageUnavailable    it does not answer, or refuses
    ├── StorageNotFound       there is none at this place yet
    └── StorageVersionError   it was written by another version of Helppari
"""

from __future__ import annotations


class BotError(Exception):
    """Base of this package's errors; ``str(error)`` is one sentence that says what to do."""


class ConversationError(BotError):
    """A call about a conversation cannot be served."""


class UnknownConversation(ConversationError):
    """There is no conversation with this id."""


class MissingToken(ConversationError):
    """The call has no token."""


class WrongToken(ConversationError):
    """The token is not this conversation's."""


class ExpiredToken(WrongToken):
    """The token was this conversation's, and its time is over."""


class InvalidMessage(ConversationError):
    """A message cannot be taken."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class MessageIdReused(ConversationError):
    """The client's message id belongs to another message."""


class ConversationFull(ConversationError):
    """The conversation takes no more messages."""


class UnknownHandoff(BotError):
    """There is no handoff with this id."""


class LessonError(BotError):
    """Examples, or decisions on them, cannot be used."""


class StorageError(BotError):
    """The database cannot be used."""


class StorageBusy(StorageError):
    """The database did not let us write in time."""


class StorageUnavailable(StorageError):
    """The database does not answer, or refuses."""


class StorageNotFound(StorageError):
    """There is no database at this place yet."""


class StorageVersionError(StorageError):
    """The database was written by another version of Helppari."""
