from __future__ import annotations

from pathlib import Path

import pytest

from indexer.errors import ArticleError
from indexer.synonyms import load_synonyms


def test_groups_by_language(tmp_path: Path) -> None:
    path = tmp_path / "synonyms.yaml"
    path.write_text(
        "fi:\n  - [aspa, asiakaspalvelu,  aspa]\n  - [no, ei  vaan]\nsv: [[kort, betalkort]]\nen:\n", "utf-8"
    )
    assert load_synonyms(path) == {
        "fi": (("aspa", "asiakaspalvelu"), ("no", "ei vaan")),
        "sv": (("kort", "betalkort"),),
    }


def test_no_file_is_no_synonyms(tmp_path: Path) -> None:
    assert load_synonyms(tmp_path / "synonyms.yaml") == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("fi: aspa", 'synonyms.yaml:1: "fi" must be a list of groups, each such as [aspa, asiakaspalvelu]'),
        (
            "fi:\n  - [a, b]\n  - c",
            "synonyms.yaml:3: a group must be a list of words such as [aspa, asiakaspalvelu]",
        ),
        ("fi:\n  - [a, [b]]", "synonyms.yaml:2: a group must be a list of words such as"),
        ("fi:\n  - [a, a]", "synonyms.yaml:2: a group needs two different words or more, such as"),
        ("fi:\n  - [a, '']", "synonyms.yaml:2: a group needs two different words or more, such as"),
        ("fi: [[a, b]", "synonyms.yaml:1: not valid YAML"),
        ("- a", "synonyms.yaml:1: this is not a mapping"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "synonyms.yaml"
    path.write_text(content, "utf-8")
    with pytest.raises(ArticleError) as caught:
        load_synonyms(path)
    assert str(caught.value).startswith(message)


def test_other_encodings_and_folders_are_named(tmp_path: Path) -> None:
    path = tmp_path / "synonyms.yaml"
    path.write_bytes("fi: [[ä, ö]]".encode("latin-1"))
    with pytest.raises(ArticleError, match=r"synonyms.yaml:1: not UTF-8 \(byte 0xe4\)"):
        load_synonyms(path)
    with pytest.raises(ArticleError, match="the file cannot be read"):
        load_synonyms(tmp_path)
