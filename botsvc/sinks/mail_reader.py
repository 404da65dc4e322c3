"""Reads a mailbox by IMAP and gives each new mail on once, marking it as read only after that."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from imapclient import IMAPClient, SocketTimeout  # type: ignore[import-untyped]  # has no type information
from imapclient.exceptions import IMAPClientError  # type: ignore[import-untyped]

from botsvc.errors import StorageError
from botsvc.mail_settings import MailSettings
from botsvc.sinks.incoming_mail import IncomingMail, MailSorter, mail_row
from botsvc.sinks.mail_parsing import ParsedMail, parse_mail
from botsvc.sinks.smtp import tls_context
from botsvc.storage import Storage

logger = logging.getLogger(__name__)

BEGINNING_BYTES = 262_144  #: of a mail that is larger than what is read
LONGEST_WAIT = 900.0  #: seconds until a mailbox or a mail that failed is tried again
_IDLE_STEP = 0.5  #: seconds in which a stop is noticed


class MailReader:
    """A thread that reads the mailbox.

    ``on_mail`` puts a mail where it belongs and returns its conversation's id, if it has one now. A mail is
    marked as read and noted in ``mails`` after that. A kill in between gives the same mail again: whoever
    wants it exactly once stores ``mail_row`` in its own transaction, and stops where it was there already.
    """

    def __init__(
        self,
        settings: MailSettings,
        storage: Storage,
        sorter: MailSorter,
        *,
        on_mail: Callable[[IncomingMail], str | None],
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._sorter = sorter
        self._on_mail = on_mail
        self._clock = clock
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._failures: dict[str, tuple[int, datetime]] = {}  # Message-ID: how often, and when next

    def start(self) -> None:
        """Begin; returns at once."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._work, name="mail-reader", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 3.0) -> None:
        """End within about ``seconds``."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(seconds)
            self._thread = None

    def read_once(self) -> int:
        """Read what is new, once; how many mails were given on."""
        client = self._connect()
        try:
            return self._read(client)
        finally:
            _log_out(client)

    def _work(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                client = self._connect()
                try:
                    failures = 0
                    while not self._stopping.is_set():
                        self._read(client)
                        self._wait(client)
                finally:
                    _log_out(client)
            except StorageError as error:
                logger.warning("mail waits for the database: %s", error)
            except (OSError, IMAPClientError) as error:
                # What a server says may hold addresses.
                logger.warning("the mailbox cannot be read (%s): check [mail]", type(error).__name__)
            except Exception as error:  # replies come in only here: the thread must not end
                logger.error("reading the mailbox failed (%s)", type(error).__name__)
            failures += 1
            self._stopping.wait(min(LONGEST_WAIT, self._settings.poll_seconds * 2.0 ** min(failures - 1, 10)))

    def _connect(self) -> IMAPClient:
        settings = self._settings
        encrypted = settings.imap_security == "tls"
        client = IMAPClient(
            settings.imap_host,
            port=settings.imap_port,
            ssl=encrypted,
            ssl_context=tls_context(settings) if encrypted else None,
            timeout=SocketTimeout(connect=settings.timeout_seconds, read=settings.timeout_seconds),
        )
        try:
            if settings.imap_security == "starttls":
                client.starttls(tls_context(settings))
            client.login(settings.imap_user, settings.imap_password.get_secret_value())
            folder = settings.imap_done_folder
            if folder and not client.folder_exists(folder):
                client.create_folder(folder)
        except BaseException:
            _log_out(client)
            raise
        return client

    def _wait(self, client: IMAPClient) -> None:
        """Until the server tells of something, where it can, and at most for ``poll_seconds``."""
        seconds = self._settings.poll_seconds
        if b"IDLE" not in client.capabilities():
            self._stopping.wait(seconds)
            return
        until = time.monotonic() + seconds
        client.idle()
        told = False
        while not (told or self._stopping.is_set()) and (left := until - time.monotonic()) > 0:
            told = bool(client.idle_check(timeout=min(left, _IDLE_STEP)))
        client.idle_done()

    def _read(self, client: IMAPClient) -> int:
        client.select_folder(self._settings.imap_folder)
        given = 0
        for uid in client.search("UNSEEN"):
            if self._stopping.is_set():
                break
            mail = self._fetch(client, uid)
            if mail is None or not self._is_due(mail):
                continue
            try:
                given += self._take(mail)
            except StorageError:
                raise
            except Exception as error:  # one mail that cannot be used must not hold up the others
                self._note_failure(mail, error)
                continue
            self._failures.pop(mail.message_id, None)
            self._put_away(client, uid)
        return given

    def _fetch(self, client: IMAPClient, uid: int) -> ParsedMail | None:
        sizes = _answer(client.fetch([uid], ["RFC822.SIZE"]), uid)
        if not sizes:
            return None  # somebody else has moved it meanwhile
        cut = int(sizes[b"RFC822.SIZE"]) > self._settings.message_bytes
        wanted = f"BODY.PEEK[]<0.{BEGINNING_BYTES}>" if cut else "BODY.PEEK[]"
        found = _answer(client.fetch([uid], [wanted]), uid)
        source = next((value for key, value in found.items() if key.startswith(b"BODY[]")), None)
        return parse_mail(source, cut=cut) if isinstance(source, bytes) else None

    def _take(self, mail: ParsedMail) -> int:
        """Give the mail on, unless it is known; 1 where it was given."""
        now = self._clock()
        with self._storage.read() as reading:
            known = reading.mail(mail.message_id)
            if known is not None and known.direction == "in":
                return 0
            incoming = self._sorter.sort(mail, reading, now)
        conversation_id = self._on_mail(incoming) or incoming.conversation_id
        with self._storage.write() as writing:
            if conversation_id and writing.conversation(conversation_id) is None:
                conversation_id = None  # erased a moment ago
            writing.add_mail(mail_row(incoming, conversation_id=conversation_id, now=now))
        logger.info("a mail came in: %s", type(incoming).__name__)
        return 1

    def _put_away(self, client: IMAPClient, uid: int) -> None:
        folder = self._settings.imap_done_folder
        client.add_flags([uid], [b"\\Seen"])
        if not folder:
            return
        if b"MOVE" in client.capabilities():
            client.move([uid], folder)
            return
        client.copy([uid], folder)
        client.delete_messages([uid])
        if b"UIDPLUS" in client.capabilities():
            client.uid_expunge([uid])

    def _is_due(self, mail: ParsedMail) -> bool:
        _, again = self._failures.get(mail.message_id, (0, self._clock()))
        return again <= self._clock()

    def _note_failure(self, mail: ParsedMail, error: Exception) -> None:
        times = self._failures.get(mail.message_id, (0, None))[0] + 1
        wait = min(LONGEST_WAIT, self._settings.poll_seconds * 2.0 ** min(times - 1, 10))
        self._failures[mail.message_id] = (times, self._clock() + timedelta(seconds=wait))
        logger.error(
            "a mail cannot be used (%s, try %d): it stays unread in the mailbox", type(error).__name__, times
        )


def _answer(found: Any, uid: int) -> dict[bytes, Any]:  # noqa: ANN401 - imapclient's types say less
    return dict(found.get(uid, {}))


def _log_out(client: IMAPClient) -> None:
    with suppress(OSError, IMAPClientError):
        client.logout()
