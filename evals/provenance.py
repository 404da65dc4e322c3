"""Where figures come from: code, data, index and machine."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from evals.bot import SearchableIndex


def code_revision() -> str:
    """The commit of a checkout (``+`` when it has uncommitted changes), or the installed version."""
    here = Path(__file__).resolve().parent
    try:
        release = version("helppari")
    except PackageNotFoundError:
        release = "unknown"
    try:
        commit = _git(here, "rev-parse", "--short=12", "HEAD")
        return commit + ("+" if _git(here, "status", "--porcelain") else "")
    except (OSError, subprocess.SubprocessError):
        return f"version {release}"


def provenance(index: SearchableIndex, languages: tuple[str, ...]) -> dict[str, Any]:
    """What a reader needs to repeat the run on this index."""
    return {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "code": code_revision(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "index_id": index.index_id,
        "build_id": index.build_id,
        "articles": len(index.keys()),
        "languages": list(index.languages),
        "encoder": index.encoder.name,
        "encoder_fingerprint": index.encoder.fingerprint,
        "thresholds": {lang: thresholds_json(index, lang) for lang in languages},
    }


def thresholds_json(index: SearchableIndex, lang: str) -> dict[str, Any]:
    """The decision thresholds of a language as JSON values."""
    limits = index.thresholds(lang)
    return {
        "answer": round(limits.answer, 6),
        "choices": round(limits.choices, 6),
        "scope": round(limits.scope, 6),
        "proven": limits.proven,
        "n": limits.n,
    }


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=True
    )
    return done.stdout.strip()
