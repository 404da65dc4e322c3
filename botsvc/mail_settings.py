"""Settings of mail and of the places outside that handoffs go to."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from indexer.settings import FreePart, Section, SettingsContradiction

Security = Literal["starttls", "tls", "none"]


def _mail_address(value: str) -> str:
    local, at, domain = value.rpartition("@")
    if value and not (local and at and "." in domain.strip(".") and value.isprintable() and " " not in value):
        raise ValueError("should be an e-mail address such as help@example.com")
    return value


def _webhook_secret(value: SecretStr) -> SecretStr:
    said = value.get_secret_value()
    try:
        key = base64.b64decode(said.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if said and not (said.startswith("whsec_") and 24 <= len(key) <= 64):
        raise ValueError("should be whsec_ and 24 to 64 random bytes in base64")
    return value


MailAddress = Annotated[str, StringConstraints(max_length=254), AfterValidator(_mail_address)]
WebhookSecret = Annotated[SecretStr, AfterValidator(_webhook_secret)]
WebhookName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,39}$"), FreePart("name")]


class MailSettings(Section):
    """``[mail]``: the mailbox that mail leaves from and comes back to."""

    sender: MailAddress = Field(
        default="", description="Address that mail is sent from; empty means that no mail is sent."
    )
    sender_name: str = Field(
        default="", max_length=80, description="Name beside that address; empty means [site] name."
    )
    reply_to: str = Field(
        default="",
        max_length=200,
        description="Address for replies, with {tag} where its tag goes; empty means sender with +tag.",
    )
    smtp_host: str = Field(default="", max_length=253, description="Server that sends mail.")
    smtp_port: int = Field(default=587, ge=1, le=65_535, description="Port of the server that sends mail.")
    smtp_security: Security = Field(
        default="starttls",
        description="How the connection to it is encrypted; none only in your own network.",
    )
    smtp_user: str = Field(default="", max_length=254, description="Name to sign in with; empty means none.")
    smtp_password: SecretStr = Field(
        default=SecretStr(""), description="Password to sign in with; set it in the environment."
    )
    imap_host: str = Field(
        default="", max_length=253, description="Server that replies are read from; empty means none are."
    )
    imap_port: int = Field(default=993, ge=1, le=65_535, description="Port of the server that is read.")
    imap_security: Security = Field(
        default="tls", description="How the connection to it is encrypted; none only in your own network."
    )
    imap_user: str = Field(default="", max_length=254, description="Name to sign in with.")
    imap_password: SecretStr = Field(
        default=SecretStr(""), description="Password to sign in with; set it in the environment."
    )
    imap_folder: str = Field(
        default="INBOX", min_length=1, max_length=200, description="Folder that is read, and only it."
    )
    imap_done_folder: str = Field(
        default="",
        max_length=200,
        description="Folder that read mail is moved to; empty means that it is marked as read and stays.",
    )
    poll_seconds: float = Field(default=15.0, gt=0, le=3_600, description="How often new mail is looked for.")
    message_bytes: int = Field(
        default=10_485_760,
        ge=10_240,
        le=104_857_600,
        description="Largest mail that is read; of a larger one only the beginning.",
    )
    sender_mails_per_hour: int = Field(
        default=30,
        ge=1,
        le=10_000,
        description="Mails of one sender that are taken in an hour, against loops.",
    )
    timeout_seconds: float = Field(
        default=20.0, ge=1, le=100, description="How long a mail server may take to answer."
    )
    ca_file: Path | None = Field(
        default=None, description="Certificates (PEM) that mail servers of your own are trusted by."
    )


class EmailSinkSettings(Section):
    """``[sinks.email]``: handoffs by e-mail."""

    to: MailAddress = Field(
        default="",
        description="Address that gets handoffs of teams without an email of their own; empty means no sink.",
    )


class WebhookSettings(Section):
    """``[sinks.webhook.<name>]``: handoffs to an outside system."""

    url: str = Field(default="", max_length=2_000, description="Address that documents are posted to.")
    secret: WebhookSecret = Field(
        default=SecretStr(""), description="Key that each call is signed with; set it in the environment."
    )
    previous_secret: WebhookSecret = Field(
        default=SecretStr(""), description="The key before, which calls are signed with as well."
    )
    timeout_seconds: float = Field(
        default=10.0, ge=0.1, le=100, description="How long the whole call may take."
    )
    allow_http: bool = Field(
        default=False, description="Whether the address may be without encryption on another machine."
    )
    allow_private: bool = Field(default=False, description="Whether the address may be in a private network.")


class SinksSettings(Section):
    """``[sinks]``: the places outside that handoffs go to."""

    email: EmailSinkSettings = EmailSinkSettings()
    webhook: dict[WebhookName, WebhookSettings] = Field(default={})


def is_loopback(host: str) -> bool:
    """Whether a host's name says that it is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def contradictions(mail: MailSettings, sinks: SinksSettings) -> Iterator[SettingsContradiction]:
    """What is set of mail or sinks and cannot work with what else is."""
    for name, value in (("mail.smtp_host", mail.smtp_host), ("mail.imap_host", mail.imap_host)):
        if value and not mail.sender:
            yield SettingsContradiction(key=name, value=value, need="needs an address in mail.sender")
    if mail.sender and not mail.smtp_host:
        yield SettingsContradiction(key="mail.sender", value=mail.sender, need="needs mail.smtp_host")
    if mail.reply_to and not _good_reply_to(mail.reply_to):
        need = "should be an address such as help+{tag}@example.com, with at most one {tag}"
        yield SettingsContradiction(key="mail.reply_to", value=mail.reply_to, need=need)
    if sinks.email.to and not mail.sender:
        need = "needs mail.sender and mail.smtp_host"
        yield SettingsContradiction(key="sinks.email.to", value=sinks.email.to, need=need)
    for name, hook in sinks.webhook.items():
        key = f"sinks.webhook.{name}"
        need = _url_problem(hook)
        if need:
            yield SettingsContradiction(key=f"{key}.url", value=hook.url, need=need)
        if not hook.secret.get_secret_value():
            variable = f"HELPPARI_SINKS__WEBHOOK__{name.upper()}__SECRET"
            yield SettingsContradiction(
                key=f"{key}.secret", value="", need=f"should be whsec_... in the variable {variable}"
            )


def _good_reply_to(value: str) -> bool:
    try:
        _mail_address(value.replace("{tag}", "tag", 1))
    except ValueError:
        return False
    return "{" not in value.replace("{tag}", "", 1)


def _url_problem(hook: WebhookSettings) -> str:
    try:
        parts = urlsplit(hook.url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return "should be an address such as https://example.com/hook"
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.password:
        return "should be an address such as https://example.com/hook, without a password in it"
    if parts.scheme == "http" and not (hook.allow_http or is_loopback(host)):
        return f"should begin with https://, or set allow_http of the same webhook where {host} is trusted"
    return ""
