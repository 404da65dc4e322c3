"""The figures of conversations: how many turns, and follow-ups among them, went as their tables say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from evals.intervals import wilson
from evals.runner import ConversationResult, TurnResult


def conversation_figures(results: Sequence[ConversationResult]) -> dict[str, Any] | None:
    """The ``conversations`` of ``metrics.json``; None when none were held."""
    if not results:
        return None
    turns = [turn for result in results for turn in result.turns]
    return {
        "n": len(results),
        "as_expected": sum(result.good for result in results),
        "turns": len(turns),
        "turns_as_expected": sum(not turn.fault for turn in turns),
        "shares": _shares(results),
        "languages": {
            lang: _shares(some) for lang, some in _parted(results, lambda r: r.conversation.lang).items()
        },
        "tags": {
            tag: {"n": len(some), "as_expected": sum(result.good for result in some)}
            for tag, some in _parted(results, lambda r: r.conversation.tag or "(none)").items()
        },
        "table": [
            {
                "id": result.conversation.id,
                "lang": result.conversation.lang,
                "tag": result.conversation.tag,
                "as_expected": result.good,
                "turns": [_turn(turn) for turn in result.turns],
            }
            for result in results
        ],
    }


def _parted(
    results: Sequence[ConversationResult], label: Callable[[ConversationResult], str]
) -> dict[str, list[ConversationResult]]:
    parts: dict[str, list[ConversationResult]] = {}
    for result in results:
        parts.setdefault(label(result), []).append(result)
    return dict(sorted(parts.items()))


def _shares(results: Sequence[ConversationResult]) -> dict[str, dict[str, Any]]:
    turns = [turn for result in results for turn in result.turns]
    return {
        "turns": _share(not turn.fault for turn in turns),
        "follow_ups": _share(not turn.fault for turn in turns if turn.turn.follow_up),
        "conversations": _share(result.good for result in results),
    }


def _share(verdicts: Iterable[bool]) -> dict[str, Any]:
    """A share with Wilson's interval, as if turns were independent."""
    flat = list(verdicts)
    interval = wilson(sum(flat), len(flat))
    return {
        "value": round(sum(flat) / len(flat), 6) if flat else None,
        "low": round(interval.low, 6) if interval else None,
        "high": round(interval.high, 6) if interval else None,
        "n": len(flat),
        "unscored": 0,
    }


def _turn(turn: TurnResult) -> dict[str, Any]:
    return {
        "said": turn.turn.said,
        "follow_up": turn.turn.follow_up,
        "expected": [str(outcome) for outcome in turn.turn.outcomes],
        "expected_articles": list(turn.turn.articles),
        "outcome": str(turn.outcome),
        "reason": turn.reason,
        "article": turn.article,
        "confidence": round(turn.confidence, 6),
        "fault": turn.fault,
        "line": turn.turn.line,
    }
