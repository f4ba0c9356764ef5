"""Every refusal of the table through the SDK: class, status, message, type, param and code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import openai
import pytest
from openai import OpenAI, Stream

from mockdock import Server
from tests.conformance.errors import CHAT, REFUSED, Refused

CLASSES: dict[int, type[openai.APIStatusError]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    404: openai.NotFoundError,
    405: openai.APIStatusError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
    503: openai.InternalServerError,
}
ROWS = [row for row in REFUSED if not isinstance(row.body, bytes)]


@pytest.fixture(scope="module")
def client_of() -> Iterator[Callable[[Refused], OpenAI]]:
    """Make a client of a server for a row; rows with the same settings share one."""
    clients: dict[str, OpenAI] = {}
    with ExitStack() as stack:

        def make(row: Refused) -> OpenAI:
            settings = json.dumps(row.settings)
            if settings not in clients:
                server = stack.enter_context(Server({"mockdock": 1, "rules": [], **row.settings}))
                origin = server.base_url.removesuffix("/v1")
                client = OpenAI(base_url=origin, api_key="sk-test", max_retries=0)
                clients[settings] = stack.enter_context(client)
            return clients[settings]

        yield make


def check(row: Refused, error: openai.APIStatusError) -> None:
    wanted = CLASSES[row.status]
    assert type(error) is wanted
    assert error.status_code == row.status
    assert (error.type, error.param, error.code) == (row.type, row.param, row.code)
    assert isinstance(error.body, dict)
    if not row.pattern:
        assert error.body["message"] == row.message
    assert error.body["message"] in error.message
    assert re.fullmatch(r"req_[0-9a-f]{32}|[0-9a-f-]{36}", error.request_id or "")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_refusal_is_an_exception_of_its_class(
    client_of: Callable[[Refused], OpenAI], row: Refused
) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client_of(row).post(
            row.path, cast_to=object, body=row.body, options={"headers": row.headers}
        )
    check(row, caught.value)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.stream and row.path == CHAT], ids=lambda row: row.name
)
def test_a_refused_stream_is_the_same_exception(
    client_of: Callable[[Refused], OpenAI], row: Refused
) -> None:
    """It is raised when the stream is opened, not while it is read."""
    with pytest.raises(openai.APIStatusError) as caught:
        client_of(row).post(
            row.path,
            cast_to=object,
            body={**row.body, "stream": True},
            options={"headers": row.headers},
            stream=True,
            stream_cls=Stream[Any],
        )
    check(row, caught.value)


def test_bad_json_is_a_bad_request(client_of: Callable[[Refused], OpenAI]) -> None:
    (row,) = (row for row in REFUSED if row.name == "bad JSON")
    client = client_of(row)
    answer = client._client.post(
        str(client.base_url).rstrip("/") + CHAT,
        content=row.body,
        headers={"content-type": "application/json", "authorization": "Bearer sk-test"},
    )
    check(row, client._make_status_error_from_response(answer))
