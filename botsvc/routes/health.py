"""``/healthz`` and ``/readyz``: does the process run, and what does it serve."""

from __future__ import annotations

from fastapi import APIRouter, Response

from botsvc.errors import StorageError
from botsvc.outbox import outbox_health
from botsvc.problems import declared
from botsvc.schemas import ContentProblem, Health, Readiness
from botsvc.service import Service

MOST_PROBLEMS = 100
#: How long a delivery may wait before the service says so.
LATE_SECONDS = 300.0


def health_router(service: Service) -> APIRouter:
    """The calls of those who run the service."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", responses=declared(), operation_id="health")
    async def health() -> Health:
        """Say that the process runs."""
        return Health(status="ok")

    @router.get(
        "/readyz",
        responses={
            **declared(),
            503: {**declared()[503], "model": Readiness, "description": "Nothing can be answered yet."},
        },
        operation_id="readiness",
    )
    async def readiness(response: Response) -> Readiness:
        """Say what is served, and why it is not the newest."""
        ready = await service.work.run(lambda: readiness_of(service))
        if ready.status == "not_ready":
            response.status_code = 503
        return ready

    return router


def readiness_of(service: Service) -> Readiness:
    """What is served, and what is wrong."""
    status = service.swapper.status
    index = status.index
    notes = []
    if index is not None and status.reason:
        named = f" instead of {status.failed_build}" if status.failed_build else ""
        notes.append(f"serving the last good build {index.build_id}{named} because {status.reason}")
    elif status.reason:
        notes.append(status.reason)
    elif index is None:
        notes.append("the index is being loaded")
    notes += _storage_notes(service)
    problems = index.problems if index is not None else ()
    return Readiness(
        status="not_ready" if index is None else "degraded" if notes else "ready",
        index_id=index.index_id if index is not None else None,
        build_id=index.build_id if index is not None else None,
        languages=list(service.languages()),
        articles=index.article_count if index is not None else 0,
        sections=index.section_count if index is not None else 0,
        notes=notes,
        problems=[
            ContentProblem(
                source=problem.source,
                line=problem.line,
                message=problem.message,
                severity=problem.severity.value,
            )
            for problem in problems[:MOST_PROBLEMS]
        ],
        problem_count=len(problems),
    )


def _storage_notes(service: Service) -> list[str]:
    if service.storage is None:
        return ["the store of conversations is not open"]
    try:
        with service.storage.read() as reading:
            health = outbox_health(reading, service.clock())
    except StorageError:
        return ["the store of conversations does not answer: see the service's log"]
    notes = []
    if health.dead:
        notes.append(f"{health.dead} deliveries are dead: see `helppari desk outbox list`")
    if health.oldest_pending_seconds >= LATE_SECONDS:
        minutes = health.oldest_pending_seconds / 60
        notes.append(
            f"{health.pending} deliveries wait, the oldest for {minutes:.0f} minutes: is the sink there?"
        )
    return notes
