"""Tables and views made again from the journal: what was lost comes back byte for byte, whatever happens on the way.

That nothing is found where nothing is wrong is asserted over every kind of step, in `test_canaries.whole_life`.

Two attributes are in no journal and so are left out wherever they were lost: a step's `writer`, for which nobody waits
any more, and the hash of what an idempotency key was used for, which could be guessed back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest import mock

import boto3
import pytest

from keyholder.adapters.clock import SystemClock
from keyholder.adapters.ledger_objects import BucketLedger
from keyholder.audit.rules import Rules
from keyholder.ledger.event_view import EventView
from keyholder.ledger.journal import Batch, checkpoint_key
from keyholder.ledger.note import parse_vkey
from keyholder.ledger.tile_view import TileView
from keyholder.ledger.verification import verify
from keyholder.ledger.views import POSITIONS
from keyholder.rebuilding.rebuilding import LONGEST_CALL
from tests.contract.api import Api, Fault
from tests.contract.aws import REGION
from tests.contract.settled import DOMAIN, Asked, Extract, expect, request_body
from tests.contract.test_key_changes import changed, item, wish
from tests.fakes.views import MemoryViews

KEY = "7d1f0b3e-52a6-4c1e-9b7e-0c8f2f6f8a01"
Items = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture
def lived(cleared: Asked) -> Api:
    """A ledger in use, with a release, and everything published."""
    expect(cleared.release(), 200)
    expect(cleared.api.get("/v1/audit/events", "auditor"), 200)
    cleared.api.sweep()
    return cleared.api


def steps(api: Api) -> Items:
    """The steps table but for the lead and for the rebuild's own entries."""
    found = {(one["pk"]["S"], one["sk"]["S"]): one for one in api.items("STEPS_TABLE")}
    return {place: one for place, one in found.items() if place[0] != "ledger" and "rebuild" not in "".join(place)}


def without_what_is_in_no_journal(items: Items) -> Items:
    left_out = ("writer", "body")
    return {place: {name: of for name, of in one.items() if name not in left_out} for place, one in items.items()}


def put(api: Api, **one: Any) -> None:
    boto3.client("dynamodb", REGION).put_item(TableName=api.names["STEPS_TABLE"], Item=one)


def take(api: Api, one: dict[str, Any], setting: str = "STEPS_TABLE") -> None:
    key = {name: one[name] for name in ("pk", "sk")}
    boto3.client("dynamodb", REGION).delete_item(TableName=api.names[setting], Key=key)


def emptied(api: Api) -> None:
    """Nothing is left of the steps table and of the views."""
    for one in api.items("STEPS_TABLE"):
        take(api, one)
    for key in api.keys("VIEW_BUCKET"):
        boto3.client("s3", REGION).delete_object(Bucket=api.names["VIEW_BUCKET"], Key=key)


def put_back(api: Api, items: list[dict[str, Any]]) -> None:
    """The steps table as it was at an earlier moment, as point-in-time recovery gives it."""
    for one in api.items("STEPS_TABLE"):
        take(api, one)
    for one in items:
        put(api, **one)
    api.restarted()


def rebuilt(api: Api, **more: Any) -> dict[str, Any]:
    """Looked at, and done."""
    done = api.rebuild(apply=api.rebuild()["plan"], **more)
    assert done.get("more") is False, done
    api.restarted()
    return done


def whole(api: Api) -> int:
    """Verify the ledger as an auditor does, each step decided again; how many events."""
    size = int(max(key for key in api.keys("LEDGER_BUCKET") if key.startswith("checkpoint/")).split("/")[1])
    download = BucketLedger(boto3.client("s3", REGION), api.names["LEDGER_BUCKET"], size)
    return verify(download, [parse_vkey(api.names["LEDGER_VKEY"])], None, [Rules()]).events


def test_emptied_tables_and_views_come_back_byte_for_byte(lived: Api) -> None:
    before, views, events = steps(lived), lived.objects("VIEW_BUCKET"), len(lived.events())
    emptied(lived)
    lived.restarted()
    assert lived.get("/v1/me", "researcher").status == 403
    done = rebuilt(lived)
    assert done["changed"] == len(before) + 3
    assert done["views"]["batches"] == done["views"]["of"]
    assert without_what_is_in_no_journal(steps(lived)) == without_what_is_in_no_journal(before)
    assert lived.types()[events:] == ["rebuild.began", "rebuild.finished"]
    assert whole(lived) == events + 2
    after = lived.objects("VIEW_BUCKET")
    kept = {key for key in views if not key.startswith(("checkpoint", POSITIONS))}
    assert {key: after[key] for key in kept} == {key: views[key] for key in kept}
    assert after == published(lived)


def published(api: Api) -> dict[str, bytes]:
    """The views of this journal, made elsewhere; the index, which reads streams too, by the API's own parts."""
    objects, store = api.objects("LEDGER_BUCKET"), MemoryViews()
    views = [TileView(store, lambda size: objects[checkpoint_key(size)]), EventView(store)]
    batches = [Batch.parse(objects[key]) for key in sorted(objects) if key.startswith("journal/")]
    for batch in batches:
        for view in views:
            view.publish(batch)
    index = api.objects("VIEW_BUCKET")
    positions = {f"{POSITIONS}{name}": str(len(batches)).encode() for name in ("tiles", "events", "index")}
    return store.objects | positions | {key: body for key, body in index.items() if key.startswith("index/")}


def test_a_table_damaged_in_every_way_is_mended_and_what_was_right_is_left_alone(lived: Api) -> None:
    before = steps(lived)
    found = iter(sorted(before))
    of_streams = [place for place in found if place[1].startswith("step#")]
    missing, unmarked, elsewhere, altered, dated, more = of_streams[::4][:6]
    take(lived, before[missing])
    waiting = {name: of for name, of in before[unmarked].items() if name not in ("leaf", "batch")}
    put(lived, **waiting, pending={"S": "pending"}, pending_at=waiting["at"])
    put(lived, **before[elsewhere] | {"leaf": {"N": "1"}})
    line = before[altered]["lines"]["L"][0]["B"]
    put(lived, **before[altered] | {"lines": {"L": [{"B": line.replace(b"0", b"1")}]}})
    put(lived, **before[dated] | {"at": {"S": "2026-01-01T00:00:00.000000Z"}})
    put(lived, **before[more], note={"S": "more"})
    put(lived, **before[elsewhere] | {"pk": {"S": "request/REQ-00000000000000000000000000"}})
    heads = [place for place in before if place[1] == "head"]
    take(lived, before[heads[0]])
    put(lived, **before[heads[1]] | {"newest": {"N": "77"}})
    put(lived, pk={"S": heads[2][0]}, sk={"S": "head"}, something={"S": "else"})
    put(lived, **before[heads[3]], due={"S": "due"}, due_at={"S": "2026-01-01T00:00:00.000000Z"})
    put(lived, pk={"S": "person/nobody"}, sk={"S": "head"}, newest={"N": "1"})
    claims = [place for place in before if place[1] == "claim"]
    take(lived, before[claims[0]])
    put(lived, **before[claims[1]] | {"first": {"N": "99"}})
    put(lived, **before[claims[2]] | {"pk": {"S": "claim#foreign"}})
    listings = [place for place in before if place[0].startswith("listing#")]
    take(lived, before[listings[0]])
    put(lived, pk={"S": listings[1][0]}, sk={"S": "request/elsewhere"})
    put(lived, pk={"S": "elsewhere"}, sk={"S": "anything"})
    views = boto3.client("s3", REGION)
    strays = ("tile/0/099", "index/9/000", "events/day=1999-01-01/1.ndjson", f"{POSITIONS}nobody", "elsewhere/anything")
    for name in (*strays, next(key for key in lived.keys("VIEW_BUCKET") if key.startswith("index/"))):
        views.put_object(Bucket=lived.names["VIEW_BUCKET"], Key=name, Body=b"not of this journal")
    damaged = lived.items("STEPS_TABLE")
    plan = lived.rebuild()
    assert plan["table"] == {
        "steps": {"missing": 1, "unmarked": 1, "other": 4, "extra": 1},
        "heads": {"missing": 1, "other": 3, "extra": 1},
        "claims": {"missing": 1, "other": 1, "extra": 1},
        "listings": {"missing": 1, "extra": 1},
        "strays": {"extra": 1},
    }
    assert lived.items("STEPS_TABLE") == damaged
    assert rebuilt(lived)["changed"] == 3 + sum(sum(faults.values()) for faults in plan["table"].values())
    after = steps(lived)
    lost = {missing, altered, more, claims[0], claims[1]}
    assert {place: one for place, one in after.items() if place not in lost} == {
        place: one for place, one in before.items() if place not in lost
    }
    assert without_what_is_in_no_journal(after) == without_what_is_in_no_journal(before)
    assert not set(strays) & set(lived.keys("VIEW_BUCKET"))
    assert lived.objects("VIEW_BUCKET") == published(lived)
    assert b"not of this journal" not in lived.objects("VIEW_BUCKET").values()


def test_a_table_put_back_takes_nothing_until_it_is_rebuilt(lived: Api, extract: Extract) -> None:
    earlier = lived.items("STEPS_TABLE")
    body = request_body(extract, 0)
    made = expect(lived.post("/v1/requests", body, "researcher", key=KEY), 201).json["id"]
    expect(lived.get("/v1/audit/events", "auditor"), 200)
    put_back(lived, earlier)
    events = len(lived.events())
    assert lived.post("/v1/requests", body, "researcher").status == 503
    assert len(lived.events()) == events
    assert lived.rebuild()["pending"] == 1
    plan = lived.rebuild()["plan"]
    assert lived.rebuild(apply=plan)["refused"]["code"] == "EVENTS_PENDING"
    rebuilt(lived, drop_pending=True)
    expect(lived.get(f"/v1/requests/{made}", "researcher"), 200)
    expect(lived.post("/v1/requests", body, "researcher"), 201)
    # What the key did is known, what it was used for is not: it does nothing again.
    assert lived.post("/v1/requests", body, "researcher", key=KEY).code == "KEY_REUSED"
    assert whole(lived) == len(lived.events())
    assert lived.rebuild()["table"] == {}


def test_what_is_cut_short_leaves_a_ledger_that_takes_nothing_and_is_gone_on_with(lived: Api, extract: Extract) -> None:
    before = steps(lived)
    emptied(lived)
    plan = lived.rebuild()["plan"]
    calls = iter(range(1_000))
    dies = Fault("TransactWriteItems", "InternalServerError", 500, lambda _: next(calls) == 1)
    with lived.failing(dies), pytest.raises(Exception, match="InternalServerError"):
        lived.rebuild(apply=plan)
    half = steps(lived)
    assert len(before) > len(half) > 50
    lived.clock.advance(hours=1)
    lived.restarted()
    events = len(lived.events())
    assert lived.post("/v1/requests", request_body(extract, 0), "researcher").status in {403, 503}
    assert len(lived.events()) == events
    assert lived.rebuild(apply=plan, drop_pending=True)["more"] is False
    assert without_what_is_in_no_journal(steps(lived)) == without_what_is_in_no_journal(before)
    assert lived.types()[-2:] == ["rebuild.began", "rebuild.finished"]
    assert lived.rebuild()["table"] == {}


def test_what_somebody_decided_on_the_old_table_is_taken_away(lived: Api, extract: Extract) -> None:
    """A call that had read before the table changed adds its step while the rebuild waits for the last of them."""
    take(lived, next(iter(steps(lived).values())))
    plan, events = lived.rebuild()["plan"], len(lived.events())
    late: list[int] = []
    wait = SystemClock.wait

    def waited(clock: SystemClock, duration: timedelta) -> None:
        if duration == LONGEST_CALL:
            late.append(lived.post("/v1/requests", request_body(extract, 0), "researcher").status)
            assert lived.rebuild()["pending"] == 1
        wait(clock, duration)

    with mock.patch.object(SystemClock, "wait", waited):
        assert lived.rebuild(apply=plan)["more"] is False
    assert late == [503]
    plan = lived.rebuild()
    assert (plan["table"], plan["pending"]) == ({}, 0)
    lived.sweep()
    assert lived.types()[events:] == ["rebuild.began", "rebuild.finished"]


def test_what_takes_longer_than_a_function_may_is_gone_on_with(lived: Api) -> None:
    before = steps(lived)
    emptied(lived)
    plan = lived.rebuild()["plan"]
    for seconds in (46, 100):
        assert lived.rebuild(seconds, apply=plan)["more"] is True
    assert lived.rebuild(apply=plan)["more"] is False
    assert without_what_is_in_no_journal(steps(lived)) == without_what_is_in_no_journal(before)
    assert lived.types()[-2:] == ["rebuild.began", "rebuild.finished"]


def test_a_ledger_that_is_not_whole_changes_no_table(lived: Api) -> None:
    journal = sorted(key for key in lived.keys("LEDGER_BUCKET") if key.startswith("journal/"))
    s3, bucket = boto3.client("s3", REGION), lived.names["LEDGER_BUCKET"]
    s3.delete_bucket_policy(Bucket=bucket)
    s3.delete_object(Bucket=bucket, Key=journal[3])
    before = lived.items("STEPS_TABLE")
    for answer in (lived.rebuild(), lived.rebuild(apply="0" * 32)):
        assert answer == {"not_whole": f"{journal[3]}: a delete marker"}
    assert lived.items("STEPS_TABLE") == before


def test_what_can_not_be_written_down_is_not_done(lived: Api) -> None:
    take(lived, next(iter(steps(lived).values())))
    plan, before = lived.rebuild()["plan"], steps(lived)
    with lived.failing(Fault("PutObject")), pytest.raises(Exception, match="refused"):
        lived.rebuild(apply=plan)
    assert steps(lived) == before


@pytest.mark.parametrize("plan", ["0" * 32, "all", "../../x"])
def test_only_what_was_looked_at_is_done(lived: Api, plan: str) -> None:
    before = lived.items("STEPS_TABLE")
    assert lived.rebuild(apply=plan)["refused"]["code"] in {"PLAN_CHANGED", "NO_PLAN", "FIELD_FORMAT"}
    assert lived.rebuild(apply="0" * 32, everything=True)["refused"]["code"] == "FIELD_UNKNOWN"
    assert lived.items("STEPS_TABLE") == before


def test_a_step_on_its_way_is_nothing_wrong_and_nothing_is_done_before_it_arrives(lived: Api, extract: Extract) -> None:
    take(lived, next(iter(steps(lived).values())))
    with lived.failing(Fault("PutObject", when=lambda params: "journal/" in params["Key"])):
        assert lived.post("/v1/requests", request_body(extract, 0), "researcher").status == 503
    plan = lived.rebuild()
    assert plan["pending"] == 1
    assert sum(sum(faults.values()) for faults in plan["table"].values()) == 1
    assert lived.rebuild(apply=plan["plan"])["refused"]["code"] == "EVENTS_PENDING"


def test_keys_that_a_backup_brought_back_are_shut_again_and_lost_ones_are_named(lived: Api) -> None:
    table = boto3.client("dynamodb", REGION)
    changed(lived, wish("rotate"), wish("retire", 1), wish("destroy", 1))
    lived.sweep()
    destroyed, active = item(lived, 1), item(lived, 2)
    assert "wrapped" not in destroyed
    back = destroyed | {"wrapped": active["wrapped"], "state": {"S": "active"}}
    table.put_item(TableName=lived.names["KEYS_TABLE"], Item=back)
    take(lived, active, "KEYS_TABLE")
    table.put_item(TableName=lived.names["KEYS_TABLE"], Item=active | {"sk": {"S": "000009"}})
    plan = lived.rebuild()
    assert plan["keys"] == {
        "to_destroy": [f"{DOMAIN}/nhs_number/1"],
        "lost": [f"{DOMAIN}/nhs_number/2"],
        "unknown": [f"{DOMAIN}/nhs_number/9"],
        "lost_tag_years": [],
        "digest_lost": False,
    }
    assert plan["table"] == {}
    assert lived.rebuild(apply=plan["plan"])["keys_shut"] == 1
    assert item(lived, 1) == destroyed
    assert lived.rebuild()["keys"]["lost"] == [f"{DOMAIN}/nhs_number/2"]
