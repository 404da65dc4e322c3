"""Settings of mail and sinks: each mistake is named by its key, secrets stay hidden."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from botsvc.settings import Settings
from botsvc.sinks.configured import can_mail_customers, handoff_sink_names
from botsvc.sinks.wording import LANGUAGES, mail_texts
from indexer import split_sentences
from indexer.settings import inspect_settings, settings_table

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WORKING = '[mail]\nsender = "help@example.com"\nsmtp_host = "smtp.example.com"\n'


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("HELPPARI_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HELPPARI_SINKS__WEBHOOK__CRM__SECRET", SECRET)


def problems(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "helppari.toml"
    file.write_text(text, encoding="utf-8")
    return [problem.message for problem in inspect_settings(Settings, file).problems]


def hook(url: str, rest: str = "") -> str:
    return f'[sinks.webhook.crm]\nurl = "{url}"\n{rest}'


@pytest.mark.parametrize(
    "text",
    [
        WORKING,
        f'{WORKING}imap_host = "imap.example.com"\n[sinks.email]\nto = "team@example.com"\n',
        f'{WORKING}reply_to = "{{tag}}@replies.example.com"\n',
        f'{WORKING}reply_to = "help@example.com"\n',
        hook("https://crm.example.com/hook"),
        hook("http://localhost:8080/"),
        hook("http://127.0.0.1/"),
        hook("http://crm.internal/", "allow_http = true\n"),
    ],
)
def test_what_can_work_is_taken(tmp_path: Path, text: str) -> None:
    if "webhook" not in text:
        text += hook("https://crm.example.com/hook")
    assert problems(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[mail]\nsender = "help"\n', "mail.sender"),
        ('[mail]\nsender = "help@example.com"\n', "it needs mail.smtp_host"),
        ('[mail]\nsmtp_host = "smtp.example.com"\n', "it needs an address in mail.sender"),
        ('[mail]\nimap_host = "imap.example.com"\n', "it needs an address in mail.sender"),
        (f'{WORKING}reply_to = "{{tag}}{{tag}}@example.com"\n', "with at most one {tag}"),
        (f'{WORKING}reply_to = "nowhere"\n', "should be an address such as help+{tag}@example.com"),
        ('[sinks.email]\nto = "team@example.com"\n', "it needs mail.sender and mail.smtp_host"),
        (hook("http://crm.example.com/"), "should begin with https://, or set allow_http"),
        (hook("ftp://crm.example.com/"), "should be an address such as https://example.com/hook"),
        (hook("https://user:password@crm.example.com/"), "without a password in it"),
        (hook("https://crm.example.com:99999/"), "should be an address such as https://example.com/hook"),
        (
            hook("https://crm.example.com/") + '[sinks.webhook.erp]\nurl = "https://erp.example.com"\n',
            "whsec_... in the variable HELPPARI_SINKS__WEBHOOK__ERP__SECRET",
        ),
        ('[sinks.webhook.my-crm]\nurl = "https://crm.example.com"\n', "sinks.webhook.my-crm"),
    ],
)
def test_each_mistake_is_explained(tmp_path: Path, text: str, sentence: str) -> None:
    if "webhook.crm" not in text:
        text += hook("https://crm.example.com/hook")
    assert any(sentence in problem for problem in problems(tmp_path, text)), problems(tmp_path, text)


def test_a_wrong_key_is_refused_without_being_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("whsec_short", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!!"):
        monkeypatch.setenv("HELPPARI_SINKS__WEBHOOK__CRM__SECRET", wrong)
        (said,) = problems(tmp_path, hook("https://crm.example.com/"))
        assert "should be whsec_ and 24 to 64 random bytes in base64" in said
        assert wrong not in said
    secret = {row.key for row in settings_table(Settings) if row.secret}
    assert {"mail.smtp_password", "mail.imap_password"} <= secret
    assert {"sinks.webhook.<name>.secret", "sinks.webhook.<name>.previous_secret"} <= secret


def test_sinks_follow_from_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "helppari.toml"
    file.write_text(f'{WORKING}[sinks.email]\nto = "team@example.com"\n{hook("https://crm.example.com/")}')
    found = inspect_settings(Settings, file).settings
    assert found is not None
    assert handoff_sink_names(found) == ("email", "webhook-crm")
    assert can_mail_customers(found)
    monkeypatch.delenv("HELPPARI_SINKS__WEBHOOK__CRM__SECRET")
    assert handoff_sink_names(Settings()) == ()
    assert not can_mail_customers(Settings())


def test_mails_say_the_same_in_every_language() -> None:
    reference = mail_texts("en")
    for lang in LANGUAGES:
        texts = mail_texts(lang)
        assert list(texts) == list(reference)
        for key, text in texts.items():
            assert text.strip(), key
            assert len(split_sentences(text)) <= 2, key
            assert ("{" in text) == ("{" in reference[key]), key
