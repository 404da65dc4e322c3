"""Dialogues as tables: what the customer says (or presses), what becomes of it, and why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botsvc.decide import decide
from botsvc.decisions import (
    Answered,
    Clarify,
    Decision,
    HandOff,
    NoAnswer,
    Outcome,
    Priority,
    Reason,
    Rule,
    Silent,
    SmallTalk,
)
from botsvc.episode import EpisodeState, Message, Owner, Press, advance
from botsvc.intents import Intents, SmallTalkKind
from botsvc.lookup import Found, choose, plan
from botsvc.policy import Desk, LowConfidence, Policy
from botsvc.texts import load_texts
from indexer import (
    Article,
    ArticleKey,
    Detected,
    HandoffRule,
    Hit,
    Offer,
    Probabilities,
    SearchResult,
    Thresholds,
    split_sentences,
)

THRESHOLDS = {"fi": Thresholds(answer=0.8, choices=0.6, scope=0.5, proven=True, n=100)}
POLICY = Policy(thresholds=THRESHOLDS)


def article(
    article_id: str,
    *,
    offer: Offer = Offer.AFTER_ANSWER,
    audience: tuple[str, ...] = (),
    personal: bool = False,
    urgent: str = "",
) -> Article:
    return Article(
        id=article_id,
        lang="fi",
        title=f"Ohje {article_id}",
        body="Ohje.",
        slug=article_id,
        audience=audience,
        topics=("aihe",),
        handoff=HandoffRule(offer=offer, team="kortit", form="lomake"),
        personal=personal,
        urgent=urgent,
    )


ARTICLES = {
    one.key: one
    for one in (
        article("kortti"),
        article("pin"),
        article("lasku"),
        article("sovellus", offer=Offer.NEVER),
        article("tilaus", offer=Offer.ALWAYS),
        article("saldo", personal=True),
        article("petos", offer=Offer.AUTO, urgent="24/7: 020 123 456"),
        article("sopimus-tyonantaja", audience=("employer",)),
        article("sopimus-kauppias", audience=("merchant",)),
    )
}

#: What the index finds: text -> (articles best first, confidence, choices, scope).
Finds = tuple[str, float, float, float]
INDEX: dict[str, Finds] = {
    "kortti katosi": ("kortti pin lasku", 0.95, 0.99, 0.99),
    "pin unohtui": ("pin kortti", 0.90, 0.95, 0.99),
    "sovellus ei aukea": ("sovellus pin", 0.90, 0.95, 0.99),
    "paljonko saldoa": ("saldo lasku", 0.88, 0.95, 0.99),
    "miten tilaan": ("tilaus", 0.85, 0.90, 0.99),
    "korttia käytetty luvatta": ("petos kortti", 0.92, 0.97, 0.99),
    "kortti ei toimi": ("kortti pin petos lasku", 0.50, 0.75, 0.95),
    "kortti on jumissa": ("pin kortti", 0.50, 0.75, 0.95),
    "lasku ihmetyttää": ("lasku saldo", 0.55, 0.70, 0.95),
    "miten sopimus": ("sopimus-tyonantaja sopimus-kauppias", 0.50, 0.80, 0.95),
    "jotain tästä palvelusta": ("lasku kortti", 0.20, 0.30, 0.90),
    "toinen hankala": ("pin lasku", 0.25, 0.35, 0.80),
    "suomen pääkaupunki": ("lasku", 0.02, 0.05, 0.01),
    "kerro vitsi": ("lasku", 0.03, 0.05, 0.02),
    "haista home": ("lasku", 0.85, 0.90, 0.60),
    "asdfgh": ("lasku", 0.10, 0.10, 0.55),
    "en halua puhua ihmiselle": ("lasku", 0.30, 0.50, 0.74),
    "entä jos se varastettiin?": ("lasku", 0.30, 0.40, 0.40),
    "kortti katosi entä jos se varastettiin?": ("petos kortti", 0.50, 0.70, 0.95),
    "pin unohtui entä jos se varastettiin?": ("kortti pin", 0.85, 0.90, 0.95),
    "pin unohtui suomen pääkaupunki": ("kortti", 0.90, 0.90, 0.95),
    "kortti ei toimi automaatilla": ("pin", 0.90, 0.95, 0.95),
    "automaatilla": ("lasku", 0.30, 0.40, 0.40),
    "haluan kuolla": ("lasku", 0.01, 0.05, 0.05),
    "moi": ("lasku", 0.10, 0.10, 0.10),
    "kiitos": ("lasku", 0.10, 0.10, 0.10),
    "vastaus ruotsiksi": ("kortti", 0.90, 0.95, 0.95),
    "": ("lasku", 0.0, 0.0, 0.0),
}
INTENTS = {
    "haluan ihmisen": Intents(human_request=0.99),
    "ei, haluan ihmisen": Intents(human_request=0.99),
    "joku ihminen nyt, haluan kuolla": Intents(human_request=0.99, crisis=True),
    "en halua ihmistä": Intents(human_request=0.02),
    "haluan kuolla": Intents(crisis=True),
    "moi": Intents(small_talk=SmallTalkKind.GREETING),
    "kiitos": Intents(small_talk=SmallTalkKind.THANKS),
    "en halua puhua ihmiselle": Intents(person_refused=True),
    "haista home": Intents(abuse=True),
    "asdfgh": Intents(nonsense=True),
    "": Intents(nonsense=True),
}
TEXTS = load_texts()


def hit(article_id: str, score: float = 1.0) -> Hit:
    return Hit(
        article_id=article_id,
        lang="fi",
        section_id="lead",
        title=f"Ohje {article_id}",
        heading_path=(),
        url=f"/help/fi/{article_id}#lead",
        score=score,
    )


def search(text: str, exclude: frozenset[ArticleKey] = frozenset(), *, together: bool = False) -> Found:
    """The stand-in for the index: what INDEX says, excluded articles left out."""
    ids, confidence, choices, scope = INDEX.get(text, ("lasku", 0.05, 0.1, 0.1))
    hits = [hit(one) for one in ids.split() if ArticleKey("fi", one) not in exclude]
    if not hits or hits[0].article_id != ids.split()[0]:
        confidence, choices = 0.3, 0.4  # the right one is gone
    result = SearchResult(
        query=text,
        language=Detected(lang="fi", probability=0.99),
        hits=tuple(hits),
        probabilities=Probabilities(confidence=confidence, choices=choices, scope=scope),
        cross_language=text == "vastaus ruotsiksi",
        embedding=np.zeros(4, dtype=np.float32),
        index_id="idx",
    )
    return Found(result=result, together=together)


@dataclass
class Dialogue:
    """Drives the pure parts as the service does."""

    policy: Policy = POLICY
    state: EpisodeState = field(default_factory=EpisodeState)

    def say(self, said: str | Press, index: int = 0) -> Decision:
        text, press = ("", said) if isinstance(said, Press) else (said, None)
        message = Message(
            text=text, press=press, index=index, lang="fi", intents=INTENTS.get(text, Intents())
        )
        look = plan(message, self.state)
        found = [search(look.alone, look.exclude)] if look.alone else []
        if look.together:
            found.append(search(look.together, look.exclude, together=True))
        chosen = choose(found, message, self.state, self.policy)
        decision = decide(message, chosen, self.state, self.policy, article_of=ARTICLES.get)
        self.state = advance(self.state, message, decision, question=chosen.result.query if chosen else "")
        # What survives a restart must be the same.
        assert EpisodeState.from_json(json.loads(json.dumps(self.state.to_json()))) == self.state
        return decision


Turn = tuple[str | Press, Outcome | None, Reason]
A, C, N, H, S = (
    Outcome.ANSWERED,
    Outcome.CLARIFIED,
    Outcome.NO_ANSWER,
    Outcome.HANDED_OFF,
    Outcome.SMALL_TALK,
)
SILENT = None
OFFER = replace(POLICY, low_confidence=LowConfidence.OFFER)

DIALOGUES: dict[str, tuple[Policy, Sequence[Turn]]] = {
    "a sure answer that helped": (
        POLICY,
        [("kortti katosi", A, Reason.CONFIDENT), ("joo auttoi", S, Reason.HELPED)],
    ),
    "thanks keep the question whether it helped": (
        POLICY,
        [
            ("kortti katosi", A, Reason.CONFIDENT),
            ("kiitos", S, Reason.THANKS),
            ("ei auttanut", N, Reason.REJECTED),
        ],
    ),
    "two rejected answers hand off": (
        POLICY,
        [
            ("kortti katosi", A, Reason.CONFIDENT),
            ("ei auttanut", N, Reason.REJECTED),
            ("pin unohtui", A, Reason.CONFIDENT),
            ("ei", H, Reason.REPEATED_FAILURE),
        ],
    ),
    "no, and a person at once": (
        POLICY,
        [("kortti katosi", A, Reason.CONFIDENT), ("ei, haluan ihmisen", H, Reason.ASKED)],
    ),
    "no, and yes to a person": (
        POLICY,
        [
            ("kortti katosi", A, Reason.CONFIDENT),
            ("ei", N, Reason.REJECTED),
            ("joo", H, Reason.FEEDBACK),
        ],
    ),
    "no, and no person either": (
        POLICY,
        [
            ("kortti katosi", A, Reason.CONFIDENT),
            (Press.NOT_HELPED, N, Reason.REJECTED),
            ("ei kiitos", S, Reason.DECLINED),
            ("pin unohtui", A, Reason.CONFIDENT),
        ],
    ),
    "no, with the next question in the same message": (
        POLICY,
        [("kortti katosi", A, Reason.CONFIDENT), ("ei, pin unohtui", A, Reason.CONFIDENT)],
    ),
    "a person by button": (POLICY, [(Press.PERSON, H, Reason.ASKED)]),
    "a person asked for beats a sure answer": (POLICY, [("haluan ihmisen", H, Reason.ASKED)]),
    "not asking for a person": (POLICY, [("en halua ihmistä", N, Reason.OUT_OF_SCOPE)]),
    "silence while waiting after asking": (
        POLICY,
        [
            ("haluan ihmisen", H, Reason.ASKED),
            ("kortti katosi", SILENT, Reason.WAITING),
            ("haluan ihmisen", SILENT, Reason.WAITING),
            ("moi", SILENT, Reason.WAITING),
            (Press.ASK_MEANWHILE, S, Reason.ASK_AWAY),
            ("kortti katosi", A, Reason.CONFIDENT),
            ("haluan ihmisen", S, Reason.WAITING),
        ],
    ),
    "no need": (
        POLICY,
        [
            ("jotain tästä palvelusta", H, Reason.LOW_CONFIDENCE),
            ("ei tarvitse enää", S, Reason.WITHDRAWN),
            ("haluan ihmisen", H, Reason.ASKED),  # a new episode
        ],
    ),
    "after low confidence it answers what it is sure of, says once that the rest is added, and is silent": (
        POLICY,
        [
            ("jotain tästä palvelusta", H, Reason.LOW_CONFIDENCE),
            ("kortti katosi", A, Reason.CONFIDENT),
            ("moi", SILENT, Reason.WAITING),
            ("kortti ei toimi", S, Reason.ADDED),
            ("toinen hankala", SILENT, Reason.WAITING),
            ("suomen pääkaupunki", SILENT, Reason.WAITING),
            ("moi", SILENT, Reason.WAITING),
            ("korttia käytetty luvatta", A, Reason.CONFIDENT),  # no second handoff
            ("haluan ihmisen", S, Reason.WAITING),
            ("kortti katosi", SILENT, Reason.WAITING),  # asked now: waits in silence
        ],
    ),
    "answers given while waiting may be rejected without a second handoff": (
        POLICY,
        [
            ("jotain tästä palvelusta", H, Reason.LOW_CONFIDENCE),
            ("kortti katosi", A, Reason.CONFIDENT),
            ("ei auttanut", N, Reason.REJECTED),
            ("pin unohtui", A, Reason.CONFIDENT),
            ("ei auttanut", SILENT, Reason.WAITING),
        ],
    ),
    "offering instead of handing off": (
        OFFER,
        [
            ("jotain tästä palvelusta", N, Reason.LOW_CONFIDENCE),
            ("joo kiitos", H, Reason.LOW_CONFIDENCE),
        ],
    ),
    "two failed questions hand off even where it only offers": (
        OFFER,
        [
            ("jotain tästä palvelusta", N, Reason.LOW_CONFIDENCE),
            ("toinen hankala", H, Reason.REPEATED_FAILURE),
        ],
    ),
    "choices, the second": (
        POLICY,
        [("kortti ei toimi", C, Reason.CHOICES), ("toinen", A, Reason.CHOSEN)],
    ),
    "choices, by button": (
        POLICY,
        [("kortti ei toimi", C, Reason.CHOICES), (Press.CHOICE, A, Reason.CHOSEN)],
    ),
    "a chosen sensitive article hands off with it": (
        POLICY,
        [("kortti ei toimi", C, Reason.CHOICES), ("kolmas", H, Reason.RULE)],
    ),
    "choices, none of them": (
        POLICY,
        [("kortti ei toimi", C, Reason.CHOICES), ("ei mikään näistä", H, Reason.LOW_CONFIDENCE)],
    ),
    "choices, none of them, where it only offers": (
        OFFER,
        [
            ("kortti ei toimi", C, Reason.CHOICES),
            ("ei mikään näistä", N, Reason.LOW_CONFIDENCE),
        ],
    ),
    "choices, yes to several": (
        POLICY,
        [
            ("kortti ei toimi", C, Reason.CHOICES),
            ("joo", S, Reason.WHICH_ONE),
            ("eka", A, Reason.CHOSEN),
        ],
    ),
    "choices only once for a question": (
        POLICY,
        [("kortti ei toimi", C, Reason.CHOICES), ("kortti on jumissa", H, Reason.LOW_CONFIDENCE)],
    ),
    "a typed reply to choices is searched with the question": (
        POLICY,
        [("kortti ei toimi", C, Reason.CHOICES), ("automaatilla", A, Reason.CONFIDENT)],
    ),
    "choices again for another question": (
        POLICY,
        [
            ("kortti ei toimi", C, Reason.CHOICES),
            ("toinen", A, Reason.CHOSEN),
            ("kiitos", S, Reason.THANKS),
            ("lasku ihmetyttää", C, Reason.CHOICES),
        ],
    ),
    "a sensitive topic": (POLICY, [("korttia käytetty luvatta", H, Reason.RULE)]),
    "a sensitive topic without the articles' rules": (
        replace(POLICY, article_rules=False),
        [("korttia käytetty luvatta", A, Reason.CONFIDENT)],
    ),
    "crisis": (
        POLICY,
        [
            ("haluan kuolla", H, Reason.RULE),
            ("kortti katosi", SILENT, Reason.WAITING),
            ("haluan kuolla", S, Reason.CRISIS),
        ],
    ),
    "crisis and a person in one message": (POLICY, [("joku ihminen nyt, haluan kuolla", H, Reason.ASKED)]),
    "small talk": (POLICY, [("moi", S, Reason.GREETING), ("kiitos", S, Reason.THANKS)]),
    "who wants no person stays with the bot": (
        POLICY,
        [("en halua puhua ihmiselle", S, Reason.DECLINED), ("kortti katosi", A, Reason.CONFIDENT)],
    ),
    "not about this help center never hands off": (
        POLICY,
        [
            ("suomen pääkaupunki", N, Reason.OUT_OF_SCOPE),
            ("kerro vitsi", N, Reason.OUT_OF_SCOPE),
            ("suomen pääkaupunki", N, Reason.OUT_OF_SCOPE),
        ],
    ),
    "abuse and nonsense never hand off": (
        POLICY,
        [("haista home", N, Reason.ABUSE), ("asdfgh", N, Reason.NONSENSE), ("", N, Reason.NONSENSE)],
    ),
    "a follow-up is searched with the last question": (
        POLICY,
        [("pin unohtui", A, Reason.CONFIDENT), ("entä jos se varastettiin?", A, Reason.CONFIDENT)],
    ),
    "an aside is not answered with the last question": (
        POLICY,
        [("pin unohtui", A, Reason.CONFIDENT), ("suomen pääkaupunki", N, Reason.OUT_OF_SCOPE)],
    ),
    "a rejected article does not come back": (
        POLICY,
        [
            ("kortti katosi", A, Reason.CONFIDENT),
            ("ei auttanut", N, Reason.REJECTED),
            ("kortti katosi", H, Reason.REPEATED_FAILURE),
        ],
    ),
    "who is asking": (
        replace(POLICY, known_audiences=frozenset({"employer", "merchant"})),
        [("miten sopimus", C, Reason.AUDIENCE), ("toinen", C, Reason.CHOICES)],
    ),
    "groups without a label are not asked for": (POLICY, [("miten sopimus", C, Reason.CHOICES)]),
}


@pytest.mark.parametrize("name", DIALOGUES)
def test_dialogue(name: str) -> None:
    policy, turns = DIALOGUES[name]
    dialogue = Dialogue(policy=policy)
    for said, outcome, reason in turns:
        decision = dialogue.say(said)
        assert (said, decision.outcome, decision.reason) == (said, outcome, reason)


def test_an_answer_carries_its_numbers_and_its_neighbours() -> None:
    decision = Dialogue().say("kortti katosi")
    assert isinstance(decision, Answered)
    assert decision.hit.article_id == "kortti"
    assert [one.article_id for one in decision.more] == ["pin", "lasku"]
    assert decision.confidence == 0.95
    assert decision.why() == {
        "rule": "confident",
        "reason": "confident",
        "numbers": {
            "confidence": 0.95,
            "choices": 0.99,
            "scope": 0.99,
            "answer_threshold": 0.8,
            "choices_threshold": 0.6,
            "scope_threshold": 0.5,
            "human_request": 0.0,
        },
        "index_id": "idx",
    }


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("kortti katosi", False),
        ("sovellus ei aukea", False),
        ("miten tilaan", True),
        ("paljonko saldoa", True),
    ],
)
def test_a_persons_button_inside_the_answer_as_the_article_says(text: str, inside: bool) -> None:
    decision = Dialogue().say(text)
    assert isinstance(decision, Answered)
    assert decision.offer_person is inside


def test_never_offers_no_person_after_no() -> None:
    dialogue = Dialogue()
    dialogue.say("sovellus ei aukea")
    decision = dialogue.say("ei auttanut")
    assert isinstance(decision, NoAnswer)
    assert (decision.offer_person, decision.text) == (False, ("rejected",))


def test_an_answer_in_another_language_is_labelled_and_offers_a_person() -> None:
    decision = Dialogue().say("vastaus ruotsiksi")
    assert isinstance(decision, Answered)
    assert (decision.cross_language, decision.offer_person) == (True, True)
    assert decision.text == ("answered_other_language",)


def test_a_sensitive_topic_quotes_the_step_and_names_team_and_urgent_line() -> None:
    decision = Dialogue().say("korttia käytetty luvatta")
    assert isinstance(decision, HandOff)
    assert decision.hit is not None
    assert decision.hit.article_id == "petos"
    assert (decision.rule, decision.priority) == (Rule.SENSITIVE, Priority.SENSITIVE)
    assert (decision.team, decision.form, decision.urgent) == ("kortit", "lomake", "24/7: 020 123 456")


def test_crisis_shows_the_numbers_even_when_a_person_is_asked_for() -> None:
    for text in ("haluan kuolla", "joku ihminen nyt, haluan kuolla"):
        decision = Dialogue().say(text)
        assert isinstance(decision, HandOff)
        assert (decision.crisis, decision.priority) == (True, Priority.CRISIS)
        assert decision.text == ("crisis", "handoff_saved")


def test_low_confidence_shows_the_nearest_articles() -> None:
    decision = Dialogue().say("jotain tästä palvelusta")
    assert isinstance(decision, HandOff)
    assert [one.article_id for one in decision.nearest] == ["lasku", "kortti"]
    assert decision.priority is Priority.LOW_CONFIDENCE


def test_choices_show_at_most_three_and_say_how_likely() -> None:
    decision = Dialogue().say("kortti ei toimi")
    assert isinstance(decision, Clarify)
    assert [one.article_id for one in decision.choices] == ["kortti", "pin", "petos"]
    assert decision.choices_confidence == 0.75


def test_the_person_comes_first_the_second_time() -> None:
    dialogue = Dialogue()
    first, second = dialogue.say("suomen pääkaupunki"), dialogue.say("kerro vitsi")
    assert isinstance(first, NoAnswer)
    assert isinstance(second, NoAnswer)
    assert (first.person_first, second.person_first) == (False, True)
    assert (first.text, second.text) == (("out_of_scope",), ("out_of_scope_again",))


def test_the_audience_is_kept_and_asked_for_once() -> None:
    dialogue = Dialogue(policy=replace(POLICY, known_audiences=frozenset({"employer", "merchant"})))
    asked = dialogue.say("miten sopimus")
    assert isinstance(asked, Clarify)
    assert asked.audiences == ("employer", "merchant")
    message = Message(text="toinen", lang="fi")
    look = plan(message, dialogue.state)
    assert (look.alone, look.together, look.audience) == ("miten sopimus", "", "merchant")
    dialogue.say("toinen")
    assert (dialogue.state.audience, dialogue.state.audience_asked) == ("merchant", True)


def test_withdrawing_closes_the_episode() -> None:
    dialogue = Dialogue()
    dialogue.say("jotain tästä palvelusta")
    owners = [dialogue.state.owner]
    decision = dialogue.say(Press.NO_NEED)
    owners.append(dialogue.state.owner)
    assert isinstance(decision, SmallTalk)
    assert decision.withdraw
    assert owners == [Owner.QUEUE, Owner.NOBODY]


def test_asking_while_waiting_makes_the_handoff_more_urgent_instead_of_a_second_one() -> None:
    dialogue = Dialogue()
    dialogue.say("jotain tästä palvelusta")
    decision = dialogue.say("haluan ihmisen")
    assert isinstance(decision, SmallTalk)
    assert decision.escalate is Priority.ASKED
    assert dialogue.state.handed_off is Reason.ASKED


@pytest.mark.parametrize("owner", [Owner.AGENT, Owner.EXPERT])
def test_the_bot_is_silent_while_a_person_owns_the_conversation(owner: Owner) -> None:
    for said in ("kortti katosi", "haluan ihmisen", "haluan kuolla", "moi", Press.PERSON, ""):
        dialogue = Dialogue(state=EpisodeState(owner=owner, handed_off=Reason.ASKED))
        assert isinstance(dialogue.say(said), Silent)
        assert dialogue.state.owner is owner


def test_a_choice_that_was_taken_back_meanwhile_is_not_quoted() -> None:
    dialogue = Dialogue()
    dialogue.say("kortti ei toimi")
    message = Message(press=Press.CHOICE, index=1, lang="fi")
    decision = decide(message, None, dialogue.state, POLICY, article_of=lambda key: None)
    assert isinstance(decision, HandOff)
    assert decision.reason is Reason.LOW_CONFIDENCE


def test_a_helped_customer_is_remembered() -> None:
    dialogue = Dialogue()
    dialogue.say("kortti katosi")
    assert not dialogue.state.helped
    dialogue.say("auttoi")
    assert dialogue.state.helped


def test_never_handed_over_where_nobody_is() -> None:
    for desk in (Desk.NOBODY, Desk.CONTACT):
        for said in (
            "haluan ihmisen",
            "jotain tästä palvelusta",
            "korttia käytetty luvatta",
            "haluan kuolla",
        ):
            decision = Dialogue(policy=replace(POLICY, desk=desk)).say(said)
            assert isinstance(decision, HandOff)
            assert not {"handoff_team", "handoff_context"} & set(decision.text)
    decision = Dialogue(policy=replace(POLICY, desk=Desk.TEAM)).say("haluan ihmisen")
    assert decision.text == ("handoff_team", "handoff_context")


SAYINGS: list[str | Press] = [
    *INDEX,
    *INTENTS,
    "joo",
    "ei",
    "eka",
    "kolmas",
    "ei mikään näistä",
    "ei tarvitse",
    *Press,
]


@settings(max_examples=300, deadline=None)
@given(
    said=st.lists(st.sampled_from(SAYINGS), max_size=12),
    desk=st.sampled_from(Desk),
    low_confidence=st.sampled_from(LowConfidence),
)
def test_in_any_dialogue(said: list[str | Press], desk: Desk, low_confidence: LowConfidence) -> None:
    policy = replace(POLICY, desk=desk, low_confidence=low_confidence)
    dialogue = Dialogue(policy=policy)
    handed_off = False
    for one in said:
        if dialogue.state.owner is Owner.NOBODY:
            handed_off = False  # withdrawn: the next message opens a new episode
        rejected = set() if dialogue.state.owner is Owner.NOBODY else set(dialogue.state.rejected)
        decision = dialogue.say(one)
        if isinstance(decision, HandOff):
            assert not handed_off, "handed off twice in one episode"
            handed_off = True
        if isinstance(decision, Answered):
            shown = {ArticleKey(h.lang, h.article_id) for h in (decision.hit, *decision.more)}
            assert not shown & rejected, "a rejected article came back"
        if isinstance(decision, NoAnswer | SmallTalk):
            assert decision.reason is not Reason.OUT_OF_SCOPE or dialogue.state.owner is Owner.BOT
        for lang in TEXTS.languages:
            text = TEXTS.say(lang, *decision.text)
            assert len(split_sentences(text)) <= 2
            assert bool(text) is not isinstance(decision, Silent)
