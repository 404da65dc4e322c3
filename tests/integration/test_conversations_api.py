from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from botsvc.problems import ProblemType
from tests.integration.help_center import ARTICLES, Running, running

_numbers = count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    client: TestClient
    id: str
    token: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def post(self, what: str, body: dict[str, Any]) -> httpx2.Response:
        body = {"client_message_id": f"m{next(_numbers)}", **body}
        return self.client.post(f"/v1/conversations/{self.id}/{what}", json=body, headers=self.bearer)

    def say(self, text: str = "", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        response = self.post("messages", {"text": text, **more})
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    def transcript(self) -> dict[str, Any]:
        response = self.client.get(f"/v1/conversations/{self.id}", headers=self.bearer)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body


def talk(web: Running, **start: str) -> Talk:
    response = web.client.post("/v1/conversations", json={"lang": "en", **start})
    assert response.status_code == 201
    opened = response.json()
    assert set(opened) == {"conversation_id", "token", "expires_at"}
    return Talk(client=web.client, id=opened["conversation_id"], token=opened["token"])


def presses(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(button["press"], button["label"]) for button in body["buttons"]]


def test_an_answer_asks_whether_it_helped(web: Running) -> None:
    here = talk(web)
    body = here.say("my card is gone")
    assert body["reply"]["outcome"] == "answered"
    assert body["reply"]["answer"]["article_id"] == "lost-card"
    assert body["said"] == "Here is what I found in our help articles."
    assert presses(body) == [("helped", "Yes"), ("not_helped", "No")]
    assert body["details"] == [{"kind": "urgent", "label": "If it is urgent", "value": "24/7: 020 123 456"}]
    assert body["owner"] == "bot"
    thanks = here.post("feedback", {"helped": True}).json()
    assert (thanks["reply"]["outcome"], thanks["reply"]["reason"]) == ("small_talk", "helped")
    assert thanks["reply"]["confidence"] is None


def test_asking_for_a_person_stores_a_handoff_and_shows_the_contact(web: Running) -> None:
    here = talk(web)
    here.say("my card is gone")
    body = here.post("handoff", {}).json()
    assert body["reply"]["outcome"] == "handed_off"
    assert {name: body["reply"]["handoff"][name] for name in ("revision", "state", "reason")} == {
        "revision": 1,
        "state": "open",
        "reason": "asked",
    }
    assert body["owner"] == "queue"
    assert "saved" in body["said"]
    assert [(line["kind"], line["value"]) for line in body["details"]] == [
        ("phone", "020 123 400"),
        ("email", "support@example.com"),
        ("hours", "Mon–Fri 8–17"),
    ]
    assert presses(body) == [
        ("no_need", "No longer needed"),
        ("ask_meanwhile", "Ask the automatic service meanwhile"),
    ]
    silent = here.say("and it is urgent")
    assert (silent["reply"], silent["said"], silent["owner"]) == (None, "", "queue")
    withdrawn = here.say(press="no_need")
    assert (withdrawn["reply"]["reason"], withdrawn["owner"]) == ("withdrawn", "nobody")


def test_low_confidence_hands_off_and_names_the_nearest(web: Running) -> None:
    body = talk(web).say("card or invoice")
    assert (body["reply"]["outcome"], body["reply"]["reason"]) == ("handed_off", "low_confidence")
    assert body["reply"]["handoff"]["state"] == "open"
    assert body["said"].startswith("I couldn't find an answer I'm sure of.")
    assert ("no_need", "No longer needed") in presses(body)


def test_choices_are_picked_by_button_or_by_word(web: Running) -> None:
    here = talk(web)
    body = here.say("something about cards")
    titles = [label for press, label in presses(body) if press == "choice"]
    assert len(titles) == 3
    assert presses(body)[-1] == ("none_of_these", "None of these")
    picked = here.say(press="choice", index=1)
    assert (picked["reply"]["outcome"], picked["reply"]["reason"]) == ("answered", "chosen")
    assert picked["reply"]["answer"]["title"] == titles[1]
    again = talk(web)
    again.say("something about cards")
    assert again.say("the first one")["reply"]["answer"]["title"] == titles[0]


def test_a_repeat_is_not_a_second_message(web: Running) -> None:
    here = talk(web)
    message = {"client_message_id": "same", "text": "my card is gone"}
    first, second = here.post("messages", message), here.post("messages", message)
    assert first.json() == second.json()
    assert len(here.transcript()["entries"]) == 2
    other = here.post("messages", {**message, "text": "another"})
    assert other.status_code == 409
    assert other.json()["type"] == ProblemType.MESSAGE_ID_REUSED


def test_identity_codes_are_masked_before_anything_is_stored(web: Running) -> None:
    here = talk(web)
    body = here.say("my code is 131052-308T, my card is gone")
    assert "131052-308T" not in str(body)
    assert "131052-308T" not in str(here.transcript())


def test_the_transcript_is_what_was_said_and_replied(web: Running) -> None:
    here = talk(web)
    answered = here.say("my card is gone")
    handed = here.say(press="person")
    found = here.transcript()
    assert (found["conversation_id"], found["owner"], found["language"]) == (here.id, "queue", "en")
    assert [(entry["author"], entry["text"], entry["press"]) for entry in found["entries"][::2]] == [
        ("customer", "my card is gone", None),
        ("customer", "", "person"),
    ]
    assert [entry["message"] for entry in found["entries"][1::2]] == [answered, handed]
    assert "Lock the card in the app" in found["entries"][1]["text"]


@pytest.mark.parametrize("what", ["messages", "handoff", "feedback", ""])
def test_every_call_needs_the_conversations_own_token(web: Running, what: str) -> None:
    here, other = talk(web), talk(web)
    body = {"client_message_id": "1", **({"helped": True} if what == "feedback" else {})}

    def call(id: str, headers: dict[str, str]) -> httpx2.Response:
        address = f"/v1/conversations/{id}/{what}".rstrip("/")
        if what:
            return web.client.post(address, json=body, headers=headers)
        return web.client.get(address, headers=headers)

    missing = call(here.id, {})
    assert (missing.status_code, missing.json()["type"]) == (401, ProblemType.MISSING_TOKEN)
    assert missing.headers["www-authenticate"].startswith("Bearer")
    for token in (other.bearer, {"authorization": "Bearer x"}):
        wrong = call(here.id, token)
        assert (wrong.status_code, wrong.json()["type"]) == (403, ProblemType.WRONG_TOKEN)
    unknown = call("c_nothing", here.bearer)
    assert (unknown.status_code, unknown.json()["type"]) == (404, ProblemType.UNKNOWN_CONVERSATION)
    in_address = web.client.get(f"/v1/conversations/{here.id}?token={here.token}")
    assert in_address.json()["type"] == ProblemType.MISSING_TOKEN


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "a" * 2_001}, "text"),
        ({"text": "hi", "press": "jump"}, "press"),
        ({"text": "hi", "index": -1}, "index"),
        ({"text": "hi", "index": True}, "index"),
        ({"text": "hi", "client_message_id": ""}, "client_message_id"),
        ({"text": "hi", "client_message_id": "a b"}, "client_message_id"),
        ({"text": "hi", "lang": "de"}, "lang"),
    ],
)
def test_a_message_that_cannot_be_taken(web: Running, body: dict[str, Any], field: str) -> None:
    response = talk(web).post("messages", body)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_a_choice_that_was_never_offered_is_asked_for_again(web: Running) -> None:
    here = talk(web)
    here.say("something about cards")
    assert here.say(press="choice", index=9)["reply"]["reason"] == "which_one"


def test_a_choice_whose_article_has_gone_asks_the_question_anew(web: Running) -> None:
    here = talk(web)
    body = here.say("something about cards")
    place = [label for press, label in presses(body) if press == "choice"].index("Order a new card")
    path = web.kb / "en/card/new-card.md"
    path.unlink()
    try:
        web.rebuild()
        again = here.say(press="choice", index=place)
        assert again["reply"]["outcome"] == "clarified"
        assert "new-card" not in str(again)
    finally:
        path.write_text(ARTICLES["en/card/new-card.md"], encoding="utf-8")
        web.rebuild()


def test_replies_follow_the_language_of_the_message(web: Running) -> None:
    here = talk(web)
    body = here.say("hukkasin korttini")
    assert (body["reply"]["language"], body["said"]) == ("fi", "Tämän löysin ohjeistamme.")
    assert presses(body) == [("helped", "Kyllä"), ("not_helped", "Ei")]
    assert "tallennettu" in here.say(press="person")["said"]


def test_in_a_crisis_the_numbers_come_first_and_a_person_is_called(web: Running) -> None:
    body = talk(web).say("I am thinking of suicide")
    assert (body["reply"]["outcome"], body["reply"]["reason"]) == ("handed_off", "rule")
    assert body["details"][0] == {"kind": "emergency", "label": "Emergency number", "value": "112"}
    assert [line["kind"] for line in body["details"]] == ["emergency", "phone", "email", "hours"]
    assert body["said"].startswith("If anyone is in danger, call the emergency number right away.")


def test_where_only_the_group_differs_it_asks_who_is_asking(tmp_path: Path) -> None:
    with running(tmp_path) as web:
        for group in ("employee", "employer", "merchant"):
            (web.kb / f"en/invoices/fee-{group}.md").write_text(
                f"---\nid: fee-{group}\ntitle: Yearly service fee ({group})\naudience: [{group}]\n"
                f"topics: [fees]\n---\nThe yearly service fee of every {group} is {len(group)} euros.\n",
                encoding="utf-8",
            )
        web.rebuild()
        here = talk(web)
        body = here.say("yearly service fee")
        assert (body["reply"]["outcome"], body["reply"]["reason"]) == ("clarified", "audience")
        assert sorted(presses(body)) == [
            ("audience", "Employee"),
            ("audience", "Employer"),
            ("audience", "Merchant"),
        ]
        place = [label for _, label in presses(body)].index("Merchant")
        after = here.say(press="audience", index=place)
        assert after["reply"]["outcome"] == "clarified"
        assert after["buttons"][0]["label"] == "Yearly service fee (merchant)"


def judge(here: Talk, sequence: int, helped: object = True, **more: object) -> httpx2.Response:
    body = {"conversation_id": here.id, "sequence": sequence, "helped": helped, **more}
    return here.client.post("/v1/feedback", json=body, headers=here.bearer)


def stored_examples(web: Running) -> list[tuple[str, str, bool]]:
    storage = web.client.app.state.service.storage  # type: ignore[attr-defined]  # an application's
    with storage.read() as reading:
        return [(one.article_id, one.text, one.helped) for one in reading.examples()]


def test_any_answer_can_be_judged_by_its_sequence(web: Running) -> None:
    here = talk(web)
    asked = here.say("my card is gone")["sequence"]
    here.say("when is the invoice due")
    before = stored_examples(web)
    for _ in range(2):
        body = judge(here, asked)
        assert body.status_code == 200, body.text
        assert body.json() == {
            "conversation_id": here.id,
            "sequence": asked,
            "article_id": "lost-card",
            "lang": "en",
            "helped": True,
        }
    assert len(stored_examples(web)) == len(before) + 1
    assert judge(here, asked, helped=False).json()["helped"] is False
    assert stored_examples(web)[-1][2] is False
    assert len(here.transcript()["entries"]) == 4


def test_the_button_keeps_an_example_of_what_was_asked(web: Running) -> None:
    here = talk(web)
    before = len(stored_examples(web))
    here.say("something about cards")
    shown = here.say("the second one")["reply"]["answer"]["article_id"]
    here.post("feedback", {"helped": True})
    assert stored_examples(web)[before:] == [(shown, "something about cards", True)]


def test_yes_with_a_call_for_a_person_is_no_example(web: Running) -> None:
    here = talk(web)
    before = len(stored_examples(web))
    here.say("my card is gone")
    assert here.say("yes, but i want a human")["reply"]["outcome"] == "handed_off"
    assert len(stored_examples(web)) == before


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"sequence": 1}, "sequence"),
        ({"sequence": 0}, "sequence"),
        ({"sequence": True}, "sequence"),
        ({"helped": "yes"}, "helped"),
        ({"article_id": "lost-card"}, "article_id"),
        ({"conversation_id": 1}, "conversation_id"),
    ],
)
def test_feedback_that_cannot_be_taken(web: Running, more: dict[str, Any], field: str) -> None:
    here = talk(web)
    body = {"conversation_id": here.id, "sequence": here.say("my card is gone")["sequence"], "helped": True}
    response = web.client.post("/v1/feedback", json={**body, **more}, headers=here.bearer)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_feedback_needs_the_conversations_own_token(web: Running) -> None:
    here, other = talk(web), talk(web)
    body = {"conversation_id": here.id, "sequence": here.say("my card is gone")["sequence"], "helped": True}
    assert web.client.post("/v1/feedback", json=body).status_code == 401
    assert web.client.post("/v1/feedback", json=body, headers=other.bearer).status_code == 403
    unknown = {**body, "conversation_id": "c_nothing"}
    assert web.client.post("/v1/feedback", json=unknown, headers=here.bearer).status_code == 404
