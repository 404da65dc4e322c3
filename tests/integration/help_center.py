"""A help center of a handful of articles, with an encoder that needs no model and scripted confidence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import SecretStr
from starlette.testclient import TestClient

from botsvc.answering import Answering, policy_of
from botsvc.app import create_app
from botsvc.clock import utc_now
from botsvc.intents import Intents, SmallTalkKind
from botsvc.settings import ContactSettings, Settings
from botsvc.swap import Swapper
from botsvc.texts import load_texts
from indexer import Access, ArticleKey, Builder, Index, Probabilities, SearchResult, Thresholds
from indexer.testing import HashEncoder

ENCODER = HashEncoder()

ARTICLES: Mapping[str, str] = {
    "en/card/lost-card.md": """---
id: lost-card
title: Lost or stolen card
summary: Lock the card at once.
audience: [employee]
topics: [card]
questions: [my card is gone, somebody stole my wallet]
handoff: {offer: after_answer, team: cards}
urgent: "24/7: 020 123 456"
updated: 2026-11-01
---
Lock the card in the app, or [ask for a new one](new-card.md#order).

## Lock it {#lock}

1. Open the app.
2. Choose **Lock card**.

## Found again {#found}

Unlock it in the app.
""",
    "fi/card/kadonnut-kortti.md": """---
id: lost-card
title: Kadonnut tai varastettu kortti
summary: Sulje kortti heti.
audience: [employee]
topics: [card]
questions: [hukkasin korttini]
handoff: {offer: after_answer, team: cards}
urgent: "24/7: 020 123 456"
updated: 2026-11-01
---
Sulje kortti heti sovelluksessa.

## Sulje kortti {#lock}

Valitse **Sulje kortti**.
""",
    "en/card/new-card.md": """---
id: new-card
title: Order a new card
topics: [card]
questions: [how do i get a new card]
---
## Order {#order}

A new card costs 8 euros and arrives in 7 days.
""",
    "en/invoices/invoice.md": """---
id: invoice
title: Invoice and due date
topics: [invoices]
questions: [when is the invoice due]
---
The invoice is due in 14 days.

| Kind | Days |
| --- | ---: |
| Paper | 21 |
""",
    "en/card/fraud.md": """---
id: fraud
title: A payment I do not recognise
topics: [card]
questions: [unknown charge on my card]
handoff: {offer: auto, team: cards}
urgent: "24/7: 020 123 456"
---
Lock the card first, then dispute the payment within 30 days.
""",
    "en/desk/secret.md": """---
id: secret
title: Discount codes for agents
visibility: internal
questions: [discount code for agents]
---
The code is PARROT.
""",
    "en/card/old.md": """---
id: old
title: Summer campaign
expire_at: 2026-01-01T00:00:00+02:00
questions: [summer campaign]
---
Free ice cream all summer.
""",
}

#: (confidence, choices, scope) by question; everything else is about something else.
SURE = (0.97, 0.99, 0.99)
CHOICES = (0.5, 0.92, 0.99)
UNSURE = (0.2, 0.3, 0.95)
ELSEWHERE = (0.01, 0.02, 0.02)
SCRIPT: Mapping[str, tuple[float, float, float]] = {
    "my card is gone": SURE,
    "hukkasin korttini": SURE,
    "when is the invoice due": SURE,
    "unknown charge on my card": SURE,
    "summer campaign": SURE,
    "something about cards": CHOICES,
    "yearly service fee": CHOICES,
    "card or invoice": UNSURE,
}


class ScriptedIndex(Index):
    """An index whose ranking is real and whose probabilities are scripted."""

    def thresholds(self, lang: str) -> Thresholds:
        return Thresholds(answer=0.9, choices=0.8, scope=0.5)

    def search(
        self,
        text: str,
        *,
        k: int = 5,
        lang: str | None = None,
        languages: Sequence[str] | None = None,
        access: Access | None = None,
        exclude: Collection[ArticleKey] = (),
    ) -> SearchResult:
        found = super().search(text, k=k, lang=lang, languages=languages, access=access, exclude=exclude)
        confidence, choices, scope = SCRIPT.get(text.strip().lower(), ELSEWHERE)
        return replace(
            found, probabilities=Probabilities(confidence=confidence, choices=choices, scope=scope)
        )


class WordIntents:
    """Intents by single words."""

    def classify(self, text: str, embedding: NDArray[np.float32] | None, lang: str) -> Intents:
        lowered = text.lower()
        kind = SmallTalkKind.GREETING if lowered.strip("!. ") in ("hello", "hei") else None
        asks = any(word in lowered for word in ("human", "ihmiselle")) and "en halua" not in lowered
        return Intents(human_request=1.0 if asks else 0.0, small_talk=kind, crisis="suicide" in lowered)


def write_kb(folder: Path, articles: Mapping[str, str] = ARTICLES) -> Path:
    for name, text in articles.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def build(kb: Path, root: Path) -> str:
    """Publish what the kb holds now; the build's id."""
    return Builder(kb=kb, root=root, encoder=ENCODER).build().build_id


def load(root: Path, previous: Index | None, build_id: str) -> Index:
    return ScriptedIndex.load(root, encoder=ENCODER, previous=previous, build_id=build_id)


def settings_for(folder: Path, **changes: Mapping[str, object]) -> Settings:
    """Settings with everything under ``folder``; ``changes`` are section -> key -> value."""
    settings = Settings(
        contact={
            "en": ContactSettings(phone="020 123 400", email="support@example.com", hours="Mon–Fri 8–17"),
            "fi": ContactSettings(phone="020 123 400", hours="ma–pe 8–17"),
        }
    )
    changes = {
        "site": {"name": "Example", "languages": ("en", "fi"), **changes.pop("site", {})},
        "index": {"dir": folder / "index", **changes.pop("index", {})},
        "storage": {"url": SecretStr(f"sqlite:///{folder}/store.sqlite"), **changes.pop("storage", {})},
        **changes,
    }
    tables = {name: dict(values) for name, values in changes.items() if name in ("notice", "teams")}
    sections = tables | {
        name: getattr(settings, name).model_copy(update=dict(values))
        for name, values in changes.items()
        if name not in tables
    }
    return settings.model_copy(update=sections)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """An application in process."""

    client: TestClient
    kb: Path
    root: Path
    swapper: Swapper
    settings: Settings

    def rebuild(self) -> str:
        """Publish the kb as it is now, and serve it."""
        build_id = build(self.kb, self.root)
        self.swapper.look()
        return build_id


@contextmanager
def running(
    folder: Path,
    *,
    built: bool = True,
    clock: Callable[[], datetime] = utc_now,
    **changes: Mapping[str, object],
) -> Iterator[Running]:
    settings = settings_for(folder, **changes)
    kb = write_kb(folder / "kb")
    root = settings.index.dir
    if built:
        build(kb, root)
    swapper = Swapper(root, poll_seconds=60, load=load)
    bot = Answering(
        intents=WordIntents(),
        policy=policy_of(settings, load_texts()),
        site_languages=settings.site.languages,
    )
    app = create_app(settings, swapper=swapper, bot=bot, clock=clock)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Running(client=client, kb=kb, root=root, swapper=swapper, settings=settings)
