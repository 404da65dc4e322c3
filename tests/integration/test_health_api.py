from __future__ import annotations

import json
from pathlib import Path

from tests.integration.help_center import ARTICLES, Running, build, running


def test_ready_says_which_index(web: Running) -> None:
    body = web.client.get("/readyz").json()
    assert web.swapper.index is not None
    assert body == {
        "status": "ready",
        "index_id": web.swapper.index.index_id,
        "build_id": web.swapper.index.build_id,
        "languages": ["en", "fi"],
        "articles": 7,
        "sections": 10,
        "notes": [],
        "problems": [],
        "problem_count": 0,
    }
    assert web.client.get("/healthz").json() == {"status": "ok"}


def test_before_the_first_build_it_is_not_ready_and_becomes_so_by_itself(tmp_path: Path) -> None:
    with running(tmp_path, built=False) as web:
        response = web.client.get("/readyz")
        assert (response.status_code, response.json()["status"]) == (503, "not_ready")
        assert "helppari index build" in response.json()["notes"][0]
        assert web.client.get("/healthz").status_code == 200
        build(web.kb, web.root)
        assert web.swapper.look()
        assert web.client.get("/readyz").json()["status"] == "ready"


def test_a_broken_file_keeps_its_last_good_version_served_and_is_named(tmp_path: Path) -> None:
    with running(tmp_path) as web:
        name = "en/invoices/invoice.md"
        broken = ARTICLES[name].replace("title: Invoice", "titel: Invoice").replace("14 days", "99 days")
        (web.kb / name).write_text(broken, encoding="utf-8")
        (web.kb / "en/card/new-card.md").write_text(
            ARTICLES["en/card/new-card.md"].replace("8 euros", "9 euros"), encoding="utf-8"
        )
        web.rebuild()
        body = web.client.get("/readyz").json()
        assert body["status"] == "ready"
        assert {(found["source"], found["severity"]) for found in body["problems"]} == {(name, "error")}
        unknown = next(found for found in body["problems"] if "titel" in found["message"])
        assert unknown["line"] == 3
        assert body["problem_count"] == len(body["problems"])
        invoice = web.client.get("/v1/articles/en/invoice").json()
        assert "14 days" in invoice["sections"][0]["text"]
        assert "9 euros" in web.client.get("/v1/articles/en/new-card").text


def test_a_damaged_build_is_not_served_and_ready_says_why(tmp_path: Path) -> None:
    with running(tmp_path) as web:
        good = web.client.get("/readyz").json()
        (web.kb / "en/card/old.md").unlink()
        (web.kb / "en/card/new-card.md").write_text(
            ARTICLES["en/card/new-card.md"].replace("8 euros", "9 euros"), encoding="utf-8"
        )
        build_id = build(web.kb, web.root)
        manifest = web.root / "builds" / build_id / "manifest.json"
        whole = manifest.read_bytes()
        record = json.loads(whole)
        record["format"] = 99
        manifest.write_text(json.dumps(record), encoding="utf-8")
        assert not web.swapper.look()
        body = web.client.get("/readyz").json()
        assert (body["status"], body["index_id"]) == ("degraded", good["index_id"])
        note = f"serving the last good build {good['build_id']} instead of {build_id} because "
        assert body["notes"][0].startswith(note)
        assert "8 euros" in web.client.get("/v1/articles/en/new-card").text
        (web.root / "CURRENT").write_text("nonsense/../x\n")
        web.swapper.look()
        assert web.client.get("/readyz").json()["status"] == "degraded"
        (web.root / "CURRENT").write_text(f"{good['build_id']}\n")
        web.swapper.look()
        assert web.client.get("/readyz").json() == good


def test_an_edit_is_answered_with_at_once(tmp_path: Path) -> None:
    def invoice() -> tuple[str, str]:
        body = web.client.post("/v1/ask", json={"text": "when is the invoice due"}).json()
        return body["index_id"], body["answer"]["text"].split(".")[0]

    with running(tmp_path) as web:
        before, text = invoice()
        assert text == "The invoice is due in 14 days"
        name = "en/invoices/invoice.md"
        (web.kb / name).write_text(ARTICLES[name].replace("14 days", "10 days"), encoding="utf-8")
        web.rebuild()
        after, text = invoice()
        assert text == "The invoice is due in 10 days"
        assert after != before


def test_a_deleted_article_is_not_served_after_the_swap(tmp_path: Path) -> None:
    with running(tmp_path) as web:
        assert web.client.post("/v1/ask", json={"text": "my card is gone"}).json()["outcome"] == "answered"
        (web.kb / "en/card/lost-card.md").unlink()
        before = web.client.get("/readyz").json()["index_id"]
        web.rebuild()
        body = web.client.post("/v1/ask", json={"text": "my card is gone", "lang": "en"}).json()
        assert body["index_id"] != before
        assert ("en", "lost-card") not in {(hit["lang"], hit["article_id"]) for hit in body["hits"]}
        assert web.client.get("/v1/articles/en/lost-card").status_code == 404
        assert web.client.get("/help/en/lost-card").status_code == 404
