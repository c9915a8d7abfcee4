"""What people say about a request, over the API: kept out of the ledger, and internal words from who asks."""

from __future__ import annotations

from tests.contract.api import Answer
from tests.contract.settled import PEOPLE, Asked, Extract, expect

BETWEEN_US = "Between us: nobody would ask for this unless they meant to publish."
QUESTION = "Is this proportionate, in your view?"
OPEN = "Please say which registry it is."


def said(asked: Asked, who: str) -> Answer:
    return expect(asked.api.get(f"{asked.path}/conversation", who), 200)


def post(asked: Asked, command: str, who: str, **body: object) -> Answer:
    return asked.api.post(f"{asked.path}/{command}", body, who)


def test_internal_comments_are_never_shown_to_the_requester(reviewed: Asked, extract: Extract) -> None:
    adviser = extract.people["controller-on-project"]
    internal = expect(post(reviewed, "comment", "controller", audience="internal", text=BETWEEN_US), 200)
    expect(post(reviewed, "comment", "controller", audience="requester", text=OPEN), 200)
    asked = expect(
        post(reviewed, "ask", "controller", person=extract.people["second-controller"], question=QUESTION), 200
    )
    assert asked.json["receipts"][0]["type"] == "request.advice_requested"
    question = said(reviewed, "second-controller").json["items"][-1]
    assert (question["text"], question["adviser"]) == (QUESTION, extract.people["second-controller"])
    answer = {"question": question["text_sha256"], "advice": "objects", "text": "It is not."}
    expect(post(reviewed, "advise", "second-controller", **answer), 200)
    hidden = [BETWEEN_US, QUESTION, "It is not.", question["text_sha256"]]
    hidden.append(internal.json["receipts"][0]["leaf"].split('"text_sha256":"')[1][:64])
    for who in ("researcher", "colleague", "controller-on-project"):
        shown = said(reviewed, who)
        assert [one["text"] for one in shown.json["items"]] == [OPEN]
        answers = [shown, expect(reviewed.api.get(f"{reviewed.path}/content", who), 200), reviewed.seen(who)]
        answers += [expect(reviewed.api.get(f"{reviewed.path}/receipts", who), 200)]
        answers += [expect(reviewed.api.get("/v1/requests", who, query={"project": "heart-2026"}), 200)]
        for one in answers:
            assert not [words for words in hidden if words in one.everything]
    assert post(reviewed, "ask", "controller", person=adviser, question=QUESTION).code == "ADVISER_BARRED"
    assert {one["text"] for one in said(reviewed, "auditor").json["items"]} == {
        BETWEEN_US,
        OPEN,
        QUESTION,
        "It is not.",
    }
    ledger = "".join(body.decode() for body in reviewed.api.objects("LEDGER_BUCKET").values())
    assert not [words for words in (BETWEEN_US, OPEN, QUESTION) if words in ledger]
    stored = "".join(body.decode("latin-1") for body in reviewed.api.objects("CONTENT_BUCKET").values())
    assert not [words for words in (BETWEEN_US, OPEN, QUESTION) if words in stored]


def test_a_text_with_a_number_of_a_patient_is_refused_with_its_place(reviewed: Asked) -> None:
    before = reviewed.api.objects("CONTENT_BUCKET")
    for command, who, field in (("comment", "controller", "/text"), ("reply", "researcher", "/text")):
        body = {"text": f"It is about {PEOPLE[0]}."} | ({"audience": "internal"} if command == "comment" else {})
        answer = post(reviewed, command, who, **body)
        assert (answer.status, answer.code) == (422, "IDENTIFIER_IN_TEXT")
        assert answer.json["errors"][0]["pointer"] == f"{field}#char=12,22"
        assert PEOPLE[0] not in answer.everything
    answer = post(reviewed, "reply", "researcher", text="Bell\x07")
    assert (answer.status, answer.code) == (422, "CONTROL_IN_TEXT")
    assert reviewed.api.objects("CONTENT_BUCKET") == before


def test_the_requester_replies_and_nudges_once(reviewed: Asked) -> None:
    told = expect(post(reviewed, "comment", "controller", audience="requester", text=OPEN), 200)
    name = said(reviewed, "researcher").json["items"][0]["text_sha256"]
    expect(post(reviewed, "reply", "researcher", text="The stroke registry.", about=name), 200)
    last = said(reviewed, "controller").json["items"][-1]
    assert (last["kind"], last["text"], last["about"]) == ("reply", "The stroke registry.", name)
    assert told.json["nudged_at"] is None
    assert expect(post(reviewed, "nudge", "researcher"), 200).json["nudged_at"]
    assert post(reviewed, "nudge", "researcher").code == "NUDGED_LATELY"
    assert post(reviewed, "reply", "colleague", text="Me too.").code == "NOT_THE_REQUESTER"
