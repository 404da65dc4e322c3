"""Feedback and labels on their way to the store, and what stands for customers and networks in them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time

from botsvc.contacts import OwnContacts, move_contacts
from botsvc.events import BotReplied, CustomerMessage, Event, FeedbackGiven, Shown, ShownAs
from botsvc.feedback import Verdict
from botsvc.incoming import clean_text
from botsvc.masking import mask
from botsvc.storage.records import StoredExample
from botsvc.storage.transactions import Writing
from indexer import ArticleKey, Example, ExampleSource, normalised

NETWORK_SECRET = "networks"


def customer_key(conversation_id: str) -> str:
    """What stands for an anonymous customer: known only within one conversation, whose id cannot be guessed.

    A key stands for itself, so that it can be copied from a list of examples.
    """
    if conversation_id.startswith("k_"):
        return conversation_id
    return f"k_{_short(hashlib.sha256(f'customer {conversation_id}'.encode()).digest())}"


def network_key(network: str, secret: str) -> str:
    """What stands for the neighbourhood of an address (/24, or /48 for IPv6); empty for no address.

    Addresses are few enough to be tried out, so the hash has a secret of this installation in it.
    """
    if not network:
        return ""
    try:
        found = ipaddress.ip_network(network, strict=False)
        prefix = min(found.prefixlen, 24 if found.version == 4 else 48)
        network = str(found.supernet(new_prefix=prefix))
    except ValueError:
        pass  # a name, as of a test client
    return f"n_{_short(hmac.digest(secret.encode(), network.encode(), 'sha256'))}"


def save_verdict(
    writing: Writing, verdict: Verdict, *, conversation_id: str, network: str, now: datetime
) -> None:
    """Keep a customer's feedback as an example, one for each article; the conversation must be locked."""
    if not verdict.example:
        return
    customer = customer_key(conversation_id)
    secret = writing.secret(NETWORK_SECRET, secrets.token_urlsafe(32))
    writing.save_example(
        StoredExample(
            id=_id("customer", customer, *verdict.article),
            article_id=verdict.article.id,
            lang=verdict.article.lang,
            text=verdict.example,
            source=ExampleSource.CUSTOMER.value,
            helped=verdict.helped,
            decision="",
            customer=customer,
            network=network_key(network, secret),
            at=now,
        )
    )


def stored_label(label: Example, *, now: datetime) -> StoredExample:
    """A person's label as it is kept."""
    day = datetime.combine(label.date, time(), UTC) if label.date else now
    return StoredExample(
        id=_id(label.source.value, label.customer, *label.article, normalised(label.text)),
        article_id=label.article.id,
        lang=label.article.lang,
        text=label.text,
        source=label.source.value,
        helped=True,
        decision="",
        customer=label.customer,
        network="",
        at=day,
    )


def masked_label(label: Example, *, own: OwnContacts, benefit_card_prefixes: Sequence[str] = ()) -> Example:
    """The label without numbers and addresses that identify anybody, and with the customer's key."""
    text = mask(clean_text(label.text), benefit_card_prefixes=benefit_card_prefixes).text
    customer = customer_key(label.customer) if label.customer else ""
    return replace(label, text=move_contacts(text, own).text, customer=customer)


def answer_of(events: Sequence[Event], sequence: int) -> tuple[Event, Shown] | None:
    """The reply to the message ``sequence`` (or the reply with it), if it quoted an article."""
    for event in events:
        fact = event.fact
        if isinstance(fact, BotReplied) and sequence in (event.cause, event.sequence):
            shown = next((one for one in fact.shown if one.shown_as is ShownAs.ANSWER), None)
            return (event, shown) if shown is not None else None
    return None


def question_of(events: Sequence[Event], answer: Event) -> str:
    """What an answer was shown for."""
    fact = answer.fact
    if isinstance(fact, BotReplied) and fact.question:
        return fact.question
    said = (event.fact for event in events if event.sequence == answer.cause)
    return next((fact.text for fact in said if isinstance(fact, CustomerMessage)), "")


def last_answer(events: Sequence[Event], article: ArticleKey) -> int:
    """Sequence of the last message that was answered with ``article``; 0 when there is none."""
    for event in reversed(events):
        found = answer_of((event,), event.sequence)
        if found is not None and (found[1].lang, found[1].article_id) == article:
            return event.cause or 0
    return 0


def said_before(events: Sequence[Event], answer: int) -> bool | None:
    """Whether the customer said that the answer helped; None when there is no word of it."""
    for event in reversed(events):
        if isinstance(event.fact, FeedbackGiven) and event.fact.answer == answer:
            return event.fact.helped
    return None


def _id(*parts: str) -> str:
    return f"e_{_short(hashlib.sha256(chr(0).join(parts).encode()).digest())}"


def _short(digest: bytes) -> str:
    return base64.b32encode(digest[:16]).decode().rstrip("=").lower()


def save_agents_example(
    writing: Writing, *, article_id: str, lang: str, question: str, conversation_id: str, now: datetime
) -> None:
    """Store that an agent sent this article to a customer who asked ``question``."""
    if not question.strip():
        return
    customer = customer_key(conversation_id)
    writing.save_example(
        StoredExample(
            id=_id(ExampleSource.AGENT.value, customer, lang, article_id, normalised(question)),
            article_id=article_id,
            lang=lang,
            text=question,
            source=ExampleSource.AGENT.value,
            helped=True,
            decision="",
            customer=customer,
            network="",
            at=now,
        )
    )
