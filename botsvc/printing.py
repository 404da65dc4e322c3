"""Replies and handoffs as lines of text, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def reply_lines(body: Mapping[str, Any]) -> Iterator[str]:
    """The body of a reply."""
    shares = {"confidence": "confidence", "choices_confidence": "choices", "scope": "scope"}
    numbers = ", ".join(f"{name} {body[key]:.2f}" for key, name in shares.items() if body[key] is not None)
    yield f"{body['outcome']} ({body['reason']}), language {body['language']}" + (
        f", {numbers}" if numbers else ""
    )
    answer = body["answer"]
    if answer:
        yield from ("", answer["text"], "", f"From: {answer['title']} ({answer['lang']}) {answer['url']}")
    if body["hits"]:
        yield ""
        yield "Nearest articles:"
    for place, hit in enumerate(body["hits"], start=1):
        yield f"{place}. {hit['title']} ({hit['lang']}) {hit['url']}  score {hit['score']:.3f}"


def handoff_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """A handoff's document."""
    facts = {
        "Handoff": f"{document['handoff_id']} (revision {document['revision']}, {document['state']})",
        "Question": document["question"],
        "Reason": f"{document['reason']}, priority {document['priority']}",
        "Team": document["team"],
        "Topic": document["topic"],
        "Language": document["language"],
        "Since": document["created_at"],
        "E-mail": document["contact"]["email"],
        "Phone": document["contact"]["phone"],
        "Group": document["audience"],
        "Page": document["page"]["url"],
        "Conversation": f"{document['conversation_id']}, episode {document['episode']}",
    }
    yield from (f"{name + ':':14}{value}" for name, value in facts.items() if value)
    yield from ("", "Transcript")
    for line in document["transcript"]:
        said = (line["text"] or f"[{line['press']}]").replace("\n", "\n" + " " * 23)
        yield f"  {line['at'][:19].replace('T', ' ')}  {line['by']}: {said}"
    if document["articles"]:
        yield from ("", "Articles shown")
    for one in document["articles"]:
        sure = "" if one["confidence"] is None else f", confidence {one['confidence']:.2f}"
        rejected = ", rejected" if one["rejected"] else ""
        yield f"  {one['title']} ({one['lang']}) as {one['shown_as']}{sure}{rejected}"
    for earlier in document["earlier_episodes"]:
        yield f"Earlier:      episode {earlier['episode']} ended {earlier['outcome']}"


def age_of(seconds: float) -> str:
    """A duration in its largest whole unit, such as 3 h."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"


def table_lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows with their columns aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
