"""What a function does at its start with settings that are wrong."""

from __future__ import annotations

import os
from collections.abc import Callable
from unittest import mock

import pytest

from tests.aws import Aws
from tests.unit.opentok_sessions.handlers import call, load
from tests.unit.opentok_sessions.vendor_server import VendorServer


@pytest.mark.parametrize(
    "pools",
    [
        pytest.param("[{", id="no JSON"),
        pytest.param('[{"mediaMode":"routed","min":3,"max":2}]', id="min above max"),
        pytest.param(
            '[{"mediaMode":"relayed","archiveMode":"always","min":1,"max":2}]', id="impossible"
        ),
    ],
)
def test_with_wrong_pools_sessions_are_made_live_and_operators_hear_of_it(
    aws: Aws, vendor: VendorServer, log: Callable[[], str], pools: str
) -> None:
    with mock.patch.dict(os.environ, {"API_URL": vendor.url, "POOLS": pools}):
        create_session = load("create_session")
        answer = call(create_session, "POST /sessions", body={"mediaMode": "routed"})
    assert (answer.status, answer.body["source"]) == (201, "created")
    assert "pools_unusable" in log()
