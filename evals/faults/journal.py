"""A file that a process adds lines to and that outlives it: what is in it has reached the disk."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Journal:
    """JSON lines; each is on the disk before ``append`` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._lock = threading.Lock()

    def append(self, entry: Mapping[str, Any]) -> None:
        """Add an entry; safe from several threads."""
        line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            while line:
                line = line[os.write(self._file, line) :]
            os.fsync(self._file)


def entries(path: Path) -> list[dict[str, Any]]:
    """All entries, the oldest first; none where there is no file yet."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
