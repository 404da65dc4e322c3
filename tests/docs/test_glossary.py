"""One meaning for each word, and every word of a report in the glossary."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

WORDS = frozenset(
    {"abandoned", "answer", "answer rate", "article", "artifact", "assumed resolution", "AUROC", "confidence"}
    | {"confirmed resolution", "contained", "conversation", "coverage", "coverage at 95 %", "deflected"}
    | {
        "durable",
        "ECE",
        "encoder",
        "episode",
        "handoff",
        "hit",
        "involved",
        "layer",
        "MRR",
        "outcome",
        "query",
    }
    | {"question", "recall@k", "scope", "score", "section", "selective accuracy", "similarity", "threshold"}
    | {"turn", "unreachable", "withdrawn"}
)


def test_the_words_of_the_product_are_defined_once() -> None:
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    defined = re.findall(r"^\| \*\*(.+?)\*\* \|", text, re.MULTILINE)
    words = [word for cell in defined for word in cell.split("**, **")]
    assert len(words) == len(set(words))
    assert sorted(WORDS - set(words)) == []
