"""Real mail servers on the loopback (scripts/mail-servers), and what people do with their mailboxes."""

from __future__ import annotations

import os
import shutil
import smtplib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient  # type: ignore[import-untyped]  # has no type information
from pydantic import SecretStr

from botsvc.mail_settings import MailSettings

SCRIPT = Path(__file__).parents[2] / "scripts" / "mail-servers"
MAILBOXES = ("support", "team", "matti", "maija")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServers:
    """Running servers; every mailbox of ``MAILBOXES`` is there at any domain ending in .test."""

    smtp: int
    tls: int
    imap: int
    folder: Path

    @property
    def ca_file(self) -> Path:
        return self.folder / "cert.pem"

    def settings(self, **changes: Any) -> MailSettings:  # noqa: ANN401 - values of settings
        return MailSettings.model_validate(
            {
                "sender": "support@help.test",
                "sender_name": "Yritys Oy",
                "smtp_host": "localhost",
                "smtp_port": self.smtp,
                "smtp_user": "support",
                "smtp_password": SecretStr("secret"),
                "imap_host": "localhost",
                "imap_port": self.imap,
                "imap_security": "starttls",
                "imap_user": "support",
                "imap_password": SecretStr("secret"),
                "poll_seconds": 0.2,
                "timeout_seconds": 5,
                "ca_file": self.ca_file,
                **changes,
            }
        )

    def send(self, message: EmailMessage | bytes, *, sender: str, to: str) -> None:
        """As somebody's mail program does."""
        source = message if isinstance(message, bytes) else message.as_bytes()
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=10) as server:
            server.sendmail(sender, [to], source)

    def mails(self, mailbox: str, *, count: int = 1) -> list[EmailMessage]:
        """At least ``count`` mails of a mailbox, in the order in which they arrived."""
        until = time.monotonic() + 10
        while True:
            with self.open(mailbox) as client:
                client.select_folder("INBOX", readonly=True)
                found = client.fetch(client.search("ALL"), ["BODY.PEEK[]"])
            if len(found) >= count:
                return [_parsed(found[uid][b"BODY[]"]) for uid in sorted(found)]
            assert time.monotonic() < until, f"{len(found)} of {count} mails arrived"
            time.sleep(0.05)

    @contextmanager
    def open(self, mailbox: str) -> Iterator[Any]:
        with IMAPClient("localhost", port=self.imap, ssl=False, timeout=10) as client:
            client.login(mailbox, "secret")
            yield client

    def clear(self) -> None:
        """Empty all mailboxes."""
        for mailbox in MAILBOXES:
            for inside in (self.folder / "mail" / mailbox).iterdir():
                shutil.rmtree(inside) if inside.is_dir() else inside.unlink()


def _parsed(source: bytes) -> EmailMessage:
    found = message_from_bytes(source, policy=default)
    assert isinstance(found, EmailMessage)
    return found


@contextmanager
def serving() -> Iterator[MailServers]:
    """The servers; skips visibly where they cannot be had, fails where services are required."""
    # Not pytest's folder: only its owner may enter that, and the servers have users of their own.
    with tempfile.TemporaryDirectory(prefix="helppari-mail-") as name:
        folder = Path(name)
        started = subprocess.run(
            [SCRIPT, "start", name], capture_output=True, text=True, check=False, timeout=300
        )
        if started.returncode == 3:
            said = started.stderr.strip()
            if os.environ.get("HELPPARI_REQUIRE_SERVICES") == "1":
                pytest.fail(f"mail servers are required: {said}")
            pytest.skip(said)
        assert started.returncode == 0, started.stderr
        try:
            ports = dict(part.split("=") for part in started.stdout.split())
            yield MailServers(
                smtp=int(ports["smtp"]), tls=int(ports["tls"]), imap=int(ports["imap"]), folder=folder
            )
        finally:
            subprocess.run([SCRIPT, "stop", name], check=False, timeout=60)
