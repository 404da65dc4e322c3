"""``/healthz`` and ``/readyz``: does the process run, and what does it serve."""

from __future__ import annotations

from fastapi import APIRouter, Response

from botsvc.errors import StorageError
from botsvc.problems import declared
from botsvc.schemas import ContentProblem, Health, Readiness
from botsvc.service import Service

MOST_PROBLEMS = 100


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
    if (broken := _storage_note(service)) is not None:
        notes.append(broken)
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


def _storage_note(service: Service) -> str | None:
    if service.storage is None:
        return "the store of conversations is not open"
    try:
        service.storage.check()
    except StorageError:
        return "the store of conversations does not answer: see the service's log"
    return None
