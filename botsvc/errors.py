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
├── PeopleError               what somebody at the desk wants cannot be done
│   ├── TakenByAnother        somebody else has the conversation (name)
│   ├── NotAllowed            it belongs to another team, or needs another role
│   ├── NotOpen               the handoff, case or call-back has ended
│   └── UnknownCase           there is no case or call-back with this id or link
├── SealingError              a sensitive answer cannot be encrypted or read
├── LessonError               examples, or decisions on them, cannot be used
├── StaffError                the desk's people cannot be changed so
│   ├── UnknownAgent          there is nobody with this id or address
│   ├── SignInRefused         the address or the password is wrong, or the account is closed
│   └── TooManySignIns        too many tries: wait (seconds)
├── DeliveryError             something could not be brought to a place outside
│   ├── Refused               the other side said no (permanent, retry_after)
│   └── Unreachable           the other side said nothing
├── UnknownDelivery           there is no delivery with this id, or it is not one to retry or drop
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


class PeopleError(BotError):
    """What somebody at the desk wants cannot be done."""


class TakenByAnother(PeopleError):
    """Somebody else has the conversation."""

    def __init__(self, message: str, *, name: str) -> None:
        super().__init__(message)
        self.name = name


class NotAllowed(PeopleError):
    """It belongs to another team, or needs another role."""


class NotOpen(PeopleError):
    """The handoff, case or call-back has ended."""


class UnknownCase(PeopleError):
    """There is no case or call-back with this id or link."""


class SealingError(BotError):
    """A sensitive answer cannot be encrypted or read."""


class LessonError(BotError):
    """Examples, or decisions on them, cannot be used."""


class StaffError(BotError):
    """The desk's people cannot be changed so; ``key`` names the desk's text for it."""

    def __init__(self, message: str, *, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class UnknownAgent(StaffError):
    """There is nobody with this id or address."""


class SignInRefused(StaffError):
    """The address or the password is wrong, or the account is closed; which of them is not said."""


class TooManySignIns(StaffError):
    """Too many tries to sign in."""

    def __init__(self, message: str, *, seconds: int) -> None:
        super().__init__(message, key="sign_in_too_many")
        self.seconds = seconds


class DeliveryError(BotError):
    """Something could not be brought to a place outside; the text holds none of the customer's words."""


class Refused(DeliveryError):
    """The other side said no."""

    def __init__(self, message: str, *, permanent: bool, retry_after: float = 0) -> None:
        super().__init__(message)
        self.permanent = permanent  #: trying again would change nothing
        self.retry_after = retry_after  #: seconds that it asked us to wait


class Unreachable(DeliveryError):
    """The other side said nothing, or stopped half way."""


class UnknownDelivery(BotError):
    """There is no delivery with this id, or it is not one to retry or drop."""


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
