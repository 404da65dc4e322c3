"""A handoff's document as a mail that people can read: everything that came with it, nothing to ask again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botsvc.sinks.mail_content import Part
from botsvc.sinks.wording import MailWords

MOST_SUBJECT = 90  #: characters of the question in the subject

Document = Mapping[str, Any]


def subject_of(document: Document, words: MailWords, *, site: str) -> str:
    """The same for all revisions, so that every mail program keeps them together."""
    question = " ".join(document["question"].split())
    if len(question) > MOST_SUBJECT:
        question = question[: MOST_SUBJECT - 1].rstrip() + "…"
    urgent = f"{words['urgent']}: " if document["priority"] == "crisis" else ""
    again = "Re: " if document["revision"] > 1 else ""
    return f"{again}[{site}] {urgent}{question or words['state_open']}"


def content_of(document: Document, words: MailWords, *, can_reply: bool, link: str) -> list[Part]:
    """The mail's parts, the most needed first."""
    return [
        _opening(document, words, can_reply=can_reply, link=link),
        Part(heading=words["question"], blocks=[document["question"]]),
        _contact(document, words),
        _facts(document, words),
        _transcript(document, words),
        _articles(document, words),
        _details(document, words),
        _earlier(document, words),
    ]


def _opening(document: Document, words: MailWords, *, can_reply: bool, link: str) -> Part:
    part = Part(blocks=[words.named("state", document["state"])])
    if document["priority"] == "crisis":
        part.blocks.insert(0, words["priority_crisis"])
    if document["revision"] > 1:
        part.blocks.append(words["revised"])
    if can_reply and document["state"] == "open":
        part.blocks.append(words["reply_hint"])
    if link:
        part.row(words["open_link"], link)
    return part


def _contact(document: Document, words: MailWords) -> Part:
    part = Part(heading=words["contact"])
    part.row(words["email"], document["contact"]["email"])
    part.row(words["phone"], document["contact"]["phone"])
    for wish in document.get("callbacks", ()):
        said = [wish["phone"], wish["wished"], words.named("callback", wish["state"])]
        part.row(words["callback"], ", ".join(one for one in said if one))
    if not part.blocks:
        part.blocks.append(words["no_contact"])
    return part


def _facts(document: Document, words: MailWords) -> Part:
    part = Part(heading=words["facts"])
    for fact in document["facts"]:
        value = fact["value"]
        if fact.get("sensitive"):  # never by mail, whoever put a value there
            value = words["sensitive"]
        elif fact["skipped"]:
            value = words["skipped"]
        part.row(fact["label"], value)
    return part


def _transcript(document: Document, words: MailWords) -> Part:
    part = Part(heading=words["transcript"])
    for line in document["transcript"]:
        who = words.named("by", line["by"])
        if line.get("name"):
            who = f"{line['name']} ({who.lower()})"
        said = line["text"]
        if line["press"]:
            pressed = words.say("pressed", name=words.named("press", line["press"]))
            said = f"{said} [{pressed}]" if said else f"[{pressed}]"
        part.row(f"{words.moment(line['at'], _zone(document))} {who}", said)
    return part


def _articles(document: Document, words: MailWords) -> Part:
    part = Part(heading=words["articles"])
    for article in document["articles"]:
        notes = [words.named("shown", article["shown_as"])]
        if article["confidence"] is not None:
            notes.append(words.say("confidence", percent=words.percent(article["confidence"])))
        notes += [words[name] for name in ("opened", "rejected") if article[name]]
        part.row(article["title"], f"{', '.join(notes)}\n{article['url']}")
    return part


def _details(document: Document, words: MailWords) -> Part:
    part = Part(heading=words["details"])
    for name, value in _detail_rows(document, words):
        part.row(words[name], value)
    return part


def _detail_rows(document: Document, words: MailWords) -> Iterator[tuple[str, str | None]]:
    zone = _zone(document)
    if document["promise"]:
        yield "promise", words.moment(document["promise"]["reply_by"], zone)
    yield "reason", words.named("reason", document["reason"])
    yield "priority", words.named("priority", document["priority"])
    resolution = document.get("resolution")
    yield "resolution", words.named("resolution", resolution) if resolution else None
    yield "team", document["team"]
    yield "topic", words.texts.all(words.lang).get(f"topic_{document['topic']}", document["topic"])
    yield "language", words.language_name(document["language"])
    yield "since", words.moment(document["created_at"], zone)
    yield "page", " ".join(one for one in (document["page"]["url"], document["page"]["locale"]) if one)
    yield "identity", _identity(document["identity"])
    audience = document["audience"]
    yield "audience", words.texts.all(words.lang).get(f"audience_{audience}", audience) if audience else None
    if document["consent"]:
        given = words.moment(document["consent"]["given_at"], zone)
        yield "consent", f"{document['consent']['text']} ({given})"
    yield "notices", ", ".join(document["notices"])
    yield "masked", ", ".join(document["masked"])
    yield "handoff", f"{document['handoff_id']}, {document['conversation_id']}"


def _identity(identity: Mapping[str, Any] | None) -> str | None:
    if not identity:
        return None
    rest = [one for one in (identity["subject"], identity["audience"]) if one]
    return f"{identity['name']} ({', '.join(rest)})" if identity["name"] else ", ".join(rest)


def _earlier(document: Document, words: MailWords) -> Part:
    part = Part(heading=words["earlier"])
    for episode in document["earlier_episodes"]:
        outcome = words.named("outcome", episode["outcome"])
        if episode["handoff_id"]:
            outcome += f" ({episode['handoff_id']})"
        part.row(words.moment(episode["started_at"], _zone(document)), outcome)
    return part


def _zone(document: Document) -> str:
    return str(document["promise"]["time_zone"]) if document["promise"] else ""
