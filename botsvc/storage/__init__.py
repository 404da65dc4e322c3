"""Where conversations, their events and their handoffs are kept: SQLite by default, or PostgreSQL.

The only package that knows SQLAlchemy. ``Storage.write`` is one transaction that happens as a whole or
not at all; whoever acknowledges something to a customer does so after it has ended.
"""

from botsvc.storage.database import Storage, open_existing_storage, open_storage
from botsvc.storage.records import Conversation, Episode, Handoff, StoredExample, StoredMessage

__all__ = [
    "Conversation",
    "Episode",
    "Handoff",
    "Storage",
    "StoredExample",
    "StoredMessage",
    "open_existing_storage",
    "open_storage",
]
