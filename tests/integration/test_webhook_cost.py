"""What a call costs us: the trusted authorities are read once, not for each call."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from tests.integration.outbox_rows import handoff_delivery
from tests.integration.test_sinks_webhook import sink
from tests.integration.webhook_receiver import receiving


def test_the_trusted_authorities_are_read_at_most_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    read = ssl.create_default_context

    def counted(*args: Any, **options: Any) -> ssl.SSLContext:  # noqa: ANN401
        reads.append(1)
        return read(*args, **options)

    monkeypatch.setattr(ssl, "create_default_context", counted)
    with receiving() as receiver:
        target = sink(receiver.url)
        for revision in (1, 2, 3):
            target.deliver(handoff_delivery(revision, sink="webhook-crm"))
    assert len(receiver.calls) == 3
    assert len(reads) <= 1
