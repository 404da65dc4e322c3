"""Whether a clause says that no person is wanted: "en halua puhua ihmiselle", "ring inte"."""

from __future__ import annotations

from collections.abc import Sequence

from botsvc.intent_text import Lexicon, Word

_NEAR = 3  # words between a negation and the wanting it turns round
_SHORT = 5  # words of a clause such as "no calls please"


def refusals(found: Sequence[Sequence[Word]], lexicon: Lexicon) -> list[bool]:
    """For each clause of a message whether it refuses a person."""
    return [
        refuses(clause, lexicon, before=found[place - 1] if place else ())
        for place, clause in enumerate(found)
    ]


def refuses(clause: Sequence[Word], lexicon: Lexicon, *, before: Sequence[Word] = ()) -> bool:
    """Whether ``clause`` refuses a person, or asks for the bot; ``before`` is the clause before it."""
    texts = [word.text for word in clause]
    return (
        _not_wanted(clause, lexicon)
        or _not_ordered(clause, lexicon)
        or _none(texts, lexicon)
        or _without(texts, lexicon, [word.text for word in before])
        or _stopped(clause, lexicon)
        or _rather_not(texts, lexicon)
        or _bot_wanted(clause, lexicon)
    )


def refuses_machine(clause: Sequence[Word], lexicon: Lexicon) -> bool:
    """Such as "en halua puhua botille", "I don't want to talk to a bot": who then, if not a person."""
    reached = [word.text for word in clause if word.negated]
    wanted = any(lexicon.wants.has(word.text) for word in clause)
    return wanted and any(map(lexicon.talks.has, reached)) and any(map(lexicon.machines.has, reached[-2:]))


def _person_under_negation(clause: Sequence[Word], lexicon: Lexicon) -> bool:
    reached = [word.text for word in clause if word.negated]
    if any(map(lexicon.machines.has, reached)):
        return False
    # To whom one does not want to talk must be known: it may be a misspelt bot.
    just_talking = bool(clause) and clause[-1].negated and lexicon.talks.has(clause[-1].text)
    return just_talking or any(map(lexicon.people.has, reached))


def _not_wanted(clause: Sequence[Word], lexicon: Lexicon) -> bool:
    """Such as "en halua puhua ihmiselle", "jag vill inte tala med någon", "I don't need an agent"."""
    if not _person_under_negation(clause, lexicon):
        return False
    for place, word in enumerate(clause):
        if lexicon.negations.has(word.text) and place + 1 < len(clause) and clause[place + 1].negated:
            around = clause[max(0, place - 2) : place + 1 + _NEAR]
            if any(lexicon.wants.has(near.text) for near in around):
                return True
    return False


def _not_ordered(clause: Sequence[Word], lexicon: Lexicon) -> bool:
    """Such as "älä yhdistä", "don't call me", "koppla mig inte": a negated order."""
    for place, word in enumerate(clause[:3]):
        if not lexicon.orders.has(word.text):
            continue
        if lexicon.negations.has(word.text):  # "don't", "älä"
            return _person_under_negation(clause, lexicon)
        if not lexicon.people.has(word.text) and not any(map(lexicon.people.has, _texts(clause))):
            return False
        after = clause[place + 1 : place + 5]
        return any(lexicon.negations.has(near.text) and not lexicon.none.has(near.text) for near in after)
    return False


def _none(texts: Sequence[str], lexicon: Lexicon) -> bool:
    """Such as "ei ihmistä kiitos", "ingen kundtjänst tack", "no calls please"."""
    if not texts or len(texts) > _SHORT or not lexicon.none.has(texts[0]):
        return False
    return any(map(lexicon.people.has, texts[1:3])) and not any(map(lexicon.machines.has, texts))


def _without(texts: Sequence[str], lexicon: Lexicon, before: Sequence[str]) -> bool:
    for place, text in enumerate(texts):
        if not lexicon.without.has(text):
            continue
        contrast = lexicon.contrast.has(text) and any(map(lexicon.negations.has, before))
        following = texts[place : place + 6]
        meant = any(lexicon.people.has(word) or lexicon.talks.has(word) for word in following)
        if meant and not contrast:
            return not any(map(lexicon.machines.has, following))
    return False


def _stopped(clause: Sequence[Word], lexicon: Lexicon) -> bool:
    """Such as "lopeta yhdistäminen", "cancel the callback", "hur stänger jag av era samtal"."""
    texts = _texts(clause)
    for place, text in enumerate(texts):
        if lexicon.quit.has(text):
            near = texts[max(0, place - 4) : place + 7]
            return any(map(lexicon.people.has, near)) and not any(map(lexicon.machines.has, near))
    return False


def _rather_not(texts: Sequence[str], lexicon: Lexicon) -> bool:
    """Such as "hellre bot än människa": what stands after "than" is not wanted."""
    for place, text in enumerate(texts):
        if lexicon.than.has(text) and 0 < place < len(texts) - 1:
            said, instead = texts[:place], texts[place + 1 :]
            return any(map(lexicon.people.has, instead)) and not any(map(lexicon.people.has, said))
    return False


def _bot_wanted(clause: Sequence[Word], lexicon: Lexicon) -> bool:
    """Such as "haluan jutella botin kanssa"."""
    if any(word.negated or lexicon.negations.has(word.text) for word in clause):
        return False
    texts = _texts(clause)
    likes = any(map(lexicon.likes.has, texts)) and any(map(lexicon.talks.has, texts))
    # "than the bot", "away from the bot": only a bot that is talked to is wanted.
    hindered = any(lexicon.quit.has(text) or lexicon.than.has(text) for text in texts)
    return likes and not hindered and any(map(lexicon.machines.has, texts[-2:]))


def _texts(clause: Sequence[Word]) -> list[str]:
    return [word.text for word in clause]
