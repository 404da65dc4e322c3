"""Which examples may teach the index, and why the others may not (pure).

Poisoning is to be hard: one customer moves nothing, however much is confirmed; several are believed only
where nothing contradicts them; and whatever is held back is shown to an editor, who has the last word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from botsvc.storage.records import StoredExample
from indexer import ArticleKey, ExampleSource, normalised

Vector = NDArray[np.float32]

#: Cosine of centred question vectors from which on two customers of one article asked near the same. Of
#: questions of different articles in the sample kb 1 in 100 pairs reaches .46, 1 in 1,000 reaches .59.
NEAR_SAME = 0.5
#: Cosine from which on a question of another article votes against an example ...
NEAR_VOTE = 0.6
#: ... and how many more such votes than for its own article it takes.
VOTES_MARGIN = 2
#: An article that is not among so many first hits without the example is far from the question.
HITS = 8


class Why(StrEnum):
    """Why an example is approved or held back: a closed list."""

    PERSON = "person"  #: approved: an agent, QA or an editor says so
    CUSTOMERS = "customers"  #: approved: enough different customers say so
    CONFIRMED_PERSON = "confirmed_person"  #: approved: a customer says what a person says as well
    ACCEPTED = "accepted"  #: approved: an editor accepted it by hand
    REFUSED = "refused"  #: an editor refused it by hand
    GONE = "gone"  #: the article is not published
    KNOWN = "known"  #: the article has this question already
    FEW_CUSTOMERS = "few_customers"  #: too few different customers
    ONE_NETWORK = "one_network"  #: enough customers, too few networks
    DAILY_LIMIT = "daily_limit"  #: this customer or network has confirmed too much that day
    SAME_NETWORK = "same_network"  #: near the same is approved from this network already
    DISPUTED = "disputed"  #: as many customers say that it did not help
    TWO_ARTICLES = "two_articles"  #: the same question is confirmed for another article
    OTHER_ARTICLE = "other_article"  #: without it, the index is sure of another article
    FAR = "far"  #: without it, the index does not see the article near
    OUTVOTED = "outvoted"  #: near questions belong to another article


APPROVING = frozenset({Why.PERSON, Why.CUSTOMERS, Why.CONFIRMED_PERSON, Why.ACCEPTED})
#: What speaks against the example itself, and so is worth an editor's look: it may be wrong.
CONTRADICTING = frozenset(
    {Why.DISPUTED, Why.TWO_ARTICLES, Why.OTHER_ARTICLE, Why.FAR, Why.OUTVOTED, Why.GONE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The operator's limits, as in ``[learning]``."""

    customers_needed: int = 2
    networks_needed: int = 2
    customer_examples_per_day: int = 5
    network_examples_per_day: int = 20
    contradiction_confidence: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A question of the kb close to an example's article or hits."""

    article_id: str
    text: str
    vector: Vector


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the index without the example says of its question."""

    vector: Vector  #: centred, unit length
    hits: tuple[ArticleKey, ...]  #: best first, at most ``HITS``
    confidence: float  #: that the first one is right
    questions: tuple[Near, ...]  #: editors' questions of the example's article and of those hits


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What becomes of one example."""

    example: StoredExample
    why: Why
    customers: int = 0  #: different ones who confirm near-same questions of the article
    networks: int = 0  #: that these come from
    against: str = ""  #: id of the article that speaks against it

    @property
    def approved(self) -> bool:
        """Whether builds take it."""
        return self.why in APPROVING


def judge_all(
    examples: Sequence[StoredExample],
    evidence: Mapping[str, Evidence],
    rules: Rules,
    *,
    published: Iterable[ArticleKey],
) -> tuple[Judgement, ...]:
    """A judgement for each confirmation; "did not help" speaks against others and is no example itself.

    ``evidence`` is by the example's id, for every one ``that_count`` whose article is published.
    """
    keys = frozenset(published)
    late = {one.id for one in examples} - {one.id for one in that_count(examples, rules)}
    live = [one for one in examples if key_of(one) in keys]
    court = _Court([one for one in live if one.id not in late], evidence, rules)
    judgements = []
    for example in examples:
        if not example.helped:
            continue
        if example.decision == "rejected":
            judgements.append(Judgement(example=example, why=Why.REFUSED))
        elif key_of(example) not in keys:
            judgements.append(Judgement(example=example, why=Why.GONE))
        elif example.decision == "accepted":
            judgements.append(Judgement(example=example, why=Why.ACCEPTED))
        elif example.id in late:
            judgements.append(Judgement(example=example, why=Why.DAILY_LIMIT))
        else:
            judgements.append(court.judge(example))
    return tuple(judgements)


def key_of(example: StoredExample) -> ArticleKey:
    """The article that an example belongs to."""
    return ArticleKey(example.lang, example.article_id)


def that_count(examples: Sequence[StoredExample], rules: Rules) -> tuple[StoredExample, ...]:
    """All but what is more than a customer, or a network, may say in a day."""
    counts: Counter[tuple[str, str]] = Counter()
    beyond = set()
    for example in sorted(examples, key=lambda one: (one.at, one.id)):
        if example.source != ExampleSource.CUSTOMER:
            continue
        day = example.at.date().isoformat()
        for name, most in (
            (example.customer, rules.customer_examples_per_day),
            (example.network, rules.network_examples_per_day),
        ):
            counts[name, day] += bool(name)
            if counts[name, day] > most:
                beyond.add(example.id)
    return tuple(one for one in examples if one.id not in beyond)


class _Court:
    """Judges one example in the light of all that count."""

    def __init__(
        self,
        counted: Sequence[StoredExample],
        evidence: Mapping[str, Evidence],
        rules: Rules,
    ) -> None:
        self._evidence = evidence
        self._rules = rules
        self._saying: dict[tuple[str, str], list[StoredExample]] = {}
        of_article: dict[ArticleKey, list[StoredExample]] = {}
        labels: dict[str, list[StoredExample]] = {}
        for example in counted:
            of_article.setdefault(key_of(example), []).append(example)
            if example.helped:
                self._saying.setdefault((example.lang, normalised(example.text)), []).append(example)
                if example.source != ExampleSource.CUSTOMER:
                    labels.setdefault(example.lang, []).append(example)
        self._of_article = {key: _Crowd.of(found, evidence) for key, found in of_article.items()}
        self._labels = {lang: _Crowd.of(found, evidence) for lang, found in labels.items()}

    def judge(self, example: StoredExample) -> Judgement:
        """The first that holds: known already, too few who say so, contradicted, approved."""
        evidence = self._evidence[example.id]
        peers = self._of_article[key_of(example)].near(evidence.vector, NEAR_SAME)
        friends = [one for one in peers if one.helped and one.source == ExampleSource.CUSTOMER]
        foes = [one for one in peers if not one.helped]
        why, against = self._why(example, evidence, peers, friends, foes)
        return Judgement(
            example=example,
            why=why,
            customers=_customers(friends),
            networks=_networks(friends),
            against=against,
        )

    def _why(
        self,
        example: StoredExample,
        evidence: Evidence,
        peers: Sequence[StoredExample],
        friends: Sequence[StoredExample],
        foes: Sequence[StoredExample],
    ) -> tuple[Why, str]:
        customers, networks = _customers(friends), _networks(friends)
        said = normalised(example.text)
        own = (near.text for near in evidence.questions if near.article_id == example.article_id)
        if said in {normalised(text) for text in own}:
            return Why.KNOWN, ""
        approving = Why.PERSON
        if example.source == ExampleSource.CUSTOMER:
            approving = Why.CUSTOMERS
            if any(one.source != ExampleSource.CUSTOMER and one.helped for one in peers):
                approving = Why.CONFIRMED_PERSON
            elif customers < self._rules.customers_needed:
                return Why.FEW_CUSTOMERS, ""
            elif networks < self._rules.networks_needed:
                return Why.ONE_NETWORK, ""
            if foes and _networks(foes) >= networks:
                return Why.DISPUTED, ""
        other = self._other_article(example, said, networks)
        if other:
            return Why.TWO_ARTICLES, other
        contradiction = self._contradiction(example, evidence)
        if contradiction is not None:
            return contradiction
        # Whoever joins in with what others rightly say may not multiply it; a label is joined at most once.
        before = friends if approving is Why.CUSTOMERS else self._of_article[key_of(example)].examples
        if example.source == ExampleSource.CUSTOMER and self._rules.networks_needed > 1:
            same = (one for one in before if one.helped and one.network and one.network == example.network)
            if any(_earlier(one, example) for one in same):
                return Why.SAME_NETWORK, ""
        return approving, ""

    def _contradiction(self, example: StoredExample, evidence: Evidence) -> tuple[Why, str] | None:
        first = evidence.hits[0].id if evidence.hits else ""
        other = first and first != example.article_id
        if other and evidence.confidence >= self._rules.contradiction_confidence:
            return Why.OTHER_ARTICLE, first
        # Translations are the same article.
        if example.article_id not in {key.id for key in evidence.hits}:
            return Why.FAR, first
        votes = Counter(
            near.article_id
            for near in evidence.questions
            if float(near.vector @ evidence.vector) >= NEAR_VOTE
        )
        if example.lang in self._labels:
            near = self._labels[example.lang].near(evidence.vector, NEAR_VOTE)
            votes.update(one.article_id for one in near if one.id != example.id)
        own = votes.pop(example.article_id, 0)
        if votes and max(votes.values()) >= own + VOTES_MARGIN:
            return Why.OUTVOTED, max(sorted(votes), key=votes.__getitem__)
        return None

    def _other_article(self, example: StoredExample, said: str, networks: int) -> str:
        """Another article for which just this question is confirmed by as many, or by a person."""
        by_article: dict[str, list[StoredExample]] = {}
        for one in self._saying.get((example.lang, said), ()):
            if one.article_id != example.article_id:
                by_article.setdefault(one.article_id, []).append(one)
        of_customer = example.source == ExampleSource.CUSTOMER
        for article_id, others in sorted(by_article.items()):
            by_person = any(one.source != ExampleSource.CUSTOMER for one in others)
            if by_person or (of_customer and _networks(others) >= networks):
                return article_id
        return ""


@dataclass(frozen=True, slots=True)
class _Crowd:
    """Examples with their vectors, to be compared at once."""

    examples: Sequence[StoredExample]
    vectors: Vector  #: ``[n, dim]``

    @classmethod
    def of(cls, examples: Sequence[StoredExample], evidence: Mapping[str, Evidence]) -> Self:
        """The examples, each with the vector of its question."""
        return cls(examples, np.stack([evidence[one.id].vector for one in examples]))

    def near(self, vector: Vector, cosine: float) -> list[StoredExample]:
        """The examples at least as near to a question as ``cosine``."""
        # Rounding must not part a question from itself.
        return [self.examples[row] for row in np.flatnonzero(self.vectors @ vector >= cosine - 1e-4).tolist()]


def _earlier(one: StoredExample, other: StoredExample) -> bool:
    return (one.at, one.id) < (other.at, other.id)


def _customers(examples: Iterable[StoredExample]) -> int:
    return len({one.customer for one in examples})


def _networks(examples: Iterable[StoredExample]) -> int:
    """Different networks; where one is unknown, its customer stands for it."""
    return len({one.network or one.customer for one in examples})
