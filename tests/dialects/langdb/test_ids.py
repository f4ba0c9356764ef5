"""Ids of LangDB's replies: a random uuid for each event, another one for each reply."""

from __future__ import annotations

import json
from itertools import islice
from uuid import RFC_4122, UUID

from mockdock.dialects.langdb.events import uuids
from mockdock.dialects.langdb.render import frames
from tests.engine.helpers import ask, completion, engine


def test_ids_are_random_uuids_that_a_reply_repeats() -> None:
    reply = completion(engine("Hello, world"), ask("one"))
    other = completion(engine("Hello, world"), ask("two"))
    ids = list(islice(uuids(reply), 1000))
    assert len(set(ids)) == 1000
    assert {(UUID(each).version, UUID(each).variant) for each in ids} == {(4, RFC_4122)}
    assert [str(UUID(each)) for each in ids] == ids
    assert list(islice(uuids(reply), 3)) == ids[:3]
    assert next(uuids(other)) not in ids


def test_a_plain_reply_has_the_id_of_the_first_event() -> None:
    request = ask("Hi", stream=True)
    reply = completion(engine("Hello, world"), request)
    (whole,) = frames(ask("Hi"), reply)
    events = [frame.data.removeprefix(b"data: ") for frame in frames(request, reply)]
    assert events[-1] == b"[DONE]\n\n"
    told = [json.loads(event) for event in events[:-1]]
    assert json.loads(whole.data)["id"] == told[0]["id"]
    assert len({event["id"] for event in told}) == len(told) > 2
    assert whole.tokens == sum(frame.tokens for frame in frames(request, reply)) > 0
