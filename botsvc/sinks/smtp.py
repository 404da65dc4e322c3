"""Sending mail by SMTP; every failure becomes one of ours, without what the server or the mail said."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from contextlib import suppress
from email.message import EmailMessage

from botsvc.errors import Refused, Unreachable
from botsvc.mail_settings import MailSettings

MOST_SECONDS = 100.0  #: of a whole mail, below the outbox's lease


class MailServer:
    """The server that sends our mail; safe in several threads, each mail has a connection of its own."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._name = f"the mail server {settings.smtp_host}"

    def send(self, message: EmailMessage, *, to: str) -> None:
        """Hand one mail over; raises ``Refused`` or ``Unreachable``."""
        try:
            self._send(message, to)
        except smtplib.SMTPAuthenticationError as error:
            said = f"{self._name} refused the password ({error.smtp_code}): check [mail] smtp_user"
            raise Refused(said, permanent=False) from None
        except smtplib.SMTPNotSupportedError:
            said = f"{self._name} lacks what is needed: check [mail] smtp_security and smtp_user"
            raise Refused(said, permanent=False) from None
        except smtplib.SMTPRecipientsRefused as error:
            code = max((int(code) for code, _ in error.recipients.values()), default=0)
            said = f"{self._name} refused the recipient ({code})"
            raise Refused(said, permanent=500 <= code < 600) from None
        except smtplib.SMTPSenderRefused as error:
            # The sender is a setting: once it is mended, what waited leaves. Only "too large" stays so.
            said = f"{self._name} refused the sender ({error.smtp_code}): check [mail] sender"
            raise Refused(said, permanent=error.smtp_code == 552) from None
        except smtplib.SMTPDataError as error:
            said = f"{self._name} refused the mail ({error.smtp_code})"
            raise Refused(said, permanent=500 <= error.smtp_code < 600) from None
        except smtplib.SMTPResponseException as error:
            raise Unreachable(f"{self._name} answered {error.smtp_code}") from None
        except (OSError, smtplib.SMTPException) as error:  # also what TLS complains of
            raise Unreachable(f"{self._name} cannot be used ({type(error).__name__})") from None

    def _send(self, message: EmailMessage, to: str) -> None:
        settings = self._settings
        server = self._connect()
        late = threading.Timer(MOST_SECONDS, _hang_up, [server])
        late.daemon = True
        late.start()
        try:
            if settings.smtp_security == "starttls":
                server.starttls(context=tls_context(settings))
            if settings.smtp_user:
                server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
            server.send_message(message, from_addr=settings.sender, to_addrs=[to])
            with suppress(OSError, smtplib.SMTPException):  # it has the mail: how it says good-bye is its own
                server.quit()
        finally:
            late.cancel()
            server.close()

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        host, port, seconds = settings.smtp_host, settings.smtp_port, settings.timeout_seconds
        if settings.smtp_security == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=seconds, context=tls_context(settings))
        return smtplib.SMTP(host, port, timeout=seconds)


def tls_context(settings: MailSettings) -> ssl.SSLContext:
    """What mail servers' certificates are held to: the system's authorities, and those of ``ca_file``."""
    context = ssl.create_default_context()
    if settings.ca_file is not None:
        context.load_verify_locations(settings.ca_file)
    return context


def _hang_up(server: smtplib.SMTP) -> None:
    with suppress(OSError, AttributeError):
        if server.sock is not None:
            server.sock.shutdown(socket.SHUT_RDWR)
