"""Every response of the API conforms to openapi.yaml, for generated requests.

schemathesis generates valid and invalid requests for each route, and chains of calls along the
contract's links. `make soak` generates ten times as many, and different ones each time.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.engine import events, from_schema

from tests.contract.named_tests import exists
from tests.contract.openapi import Operation, operations, strict_contract
from tests.integration.conftest import Stack
from tests.integration.counts import SOAK, RecordProperty

Case = schemathesis.Case[Any]
Statuses = Counter[tuple[str, int]]  # number of responses by operation and status

EXAMPLES = 500 if SOAK else 50  # for each route, in addition to those at every limit
CHAINS = 500 if SOAK else 50
FEATURE_EXAMPLES = EXAMPLES // 10  # one function serves these routes for every family
MOST_CHAINS = CHAINS + 500  # while there is an operation that no chain has succeeded with
CHAIN_STEPS = 8

# Operations that no chain can succeed with, and for each the test that does, with `assert_served`.
# Chains leave out features, which have test_features.py.
BEYOND_CHAINS = {
    # They require a connected client, and no chain connects one.
    "removeConnection": (
        "integration/test_live_sessions.py"
        "::test_the_lookup_shows_who_is_in_until_the_call_is_closed"
    ),
}

USERS = ("alice", "bob", "moderator")

CONFIG = {
    # Every request is signed in. test_auth.py covers the others.
    "generation": {"with-security-parameters": False},
    "phases": {
        # The gateway handles methods without a route itself.
        "coverage": {"unexpected-methods": []},
        "stateful": {"generation": {"max-examples": CHAINS}, "max-steps": CHAIN_STEPS},
    },
    "checks": {
        # An invalid body may also be too large.
        "negative_data_rejection": {"expected-statuses": ["4XX"]},
        # Fields that are valid by themselves may not be combinable.
        "positive_data_acceptance": {"enabled": False},
        # A closed session can still be read.
        "use_after_free": {"enabled": False},
        # The next caller of a chain may not be admitted to the session of the previous one.
        "ensure_resource_availability": {"enabled": False},
        "object_level_authorization": {"enabled": False},
        "ignored_auth": {"enabled": False},
        "unsupported_method": {"enabled": False},
    },
}


def _in_hours(hours: int) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="seconds")


# Random fields can rarely be combined. These usually can, so that sessions are created and joined.
TOKEN_BODIES = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["subscriber", "publisher", "publisheronly", "moderator"]),
        "expiresIn": st.integers(60, 86_400),
        "data": st.text(max_size=20),
        "initialLayoutClassList": st.lists(st.sampled_from(["full", "focus"]), max_size=2),
    },
)
SESSION_BODIES = st.fixed_dictionaries(
    {},
    optional={
        "expectedParticipants": st.integers(1, 5),
        "room": st.integers(1, 20).map("fuzzed-{}".format),
        "opensAt": st.sampled_from([-1, -1, 1]).map(_in_hours),
        "closesAt": st.integers(2, 48).map(_in_hours),
        "token": TOKEN_BODIES,
    },
)
UPDATE_BODIES = st.fixed_dictionaries(
    {},
    optional={
        "maxConnections": st.none() | st.integers(1, 3000),
        "closesAt": st.none() | st.integers(2, 48).map(_in_hours),
    },
)
ROOM_BODIES = st.fixed_dictionaries({"room": st.integers(1, 20).map("fuzzed-{}".format)})
VALID_BODIES = {
    "createSession": SESSION_BODIES | ROOM_BODIES,
    "issueToken": TOKEN_BODIES,
    "updateSession": UPDATE_BODIES,
}


def before_generate_body(
    context: schemathesis.HookContext, strategy: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    """Replaces half of the bodies with valid ones, except those of features."""
    assert context.operation is not None
    valid = VALID_BODIES.get(context.operation.definition.raw["operationId"])
    return strategy if valid is None else st.one_of(strategy, valid)


def filter_query(context: schemathesis.HookContext, query: dict[str, Any] | None) -> bool:
    """Leaves out empty parameters, which `allowEmptyValue` permits: schemathesis ignores it."""
    return not {"limit", "cursor"} & {n for n, value in (query or {}).items() if _is_empty(value)}


def _is_empty(value: object) -> bool:
    """Returns whether a parameter is sent without a value, as a list without items is."""
    return value in ("", None) or (isinstance(value, list | dict) and all(map(_is_empty, value)))


def _schema(*phases: str, features: bool = False) -> schemathesis.BaseSchema:
    """Returns the contract with some of schemathesis' phases enabled, for features or all else."""
    config = schemathesis.Config.from_dict(CONFIG)
    whole = schemathesis.openapi.from_dict(strict_contract(), config=config)
    of_features = [operation.name for operation in operations() if _is_of_feature(operation)]
    if features:
        schema = whole.include(operation_id=of_features)
    else:
        # The vendor's callbacks are signed, and reach another API.
        schema = whole.exclude(operation_id=["receiveCallback", *of_features])
    schema.config.phases.update(phases=list(phases))
    schema.hook(before_generate_body)
    schema.hook(filter_query)
    return schema


def _is_of_feature(operation: Operation) -> bool:
    return "{family}" in operation.route[1]


one_by_one = _schema("examples", "coverage", "fuzzing")
features = _schema("examples", "fuzzing", features=True)
chained = _schema("stateful")


@pytest.fixture(scope="module", autouse=True)
def responses(stack: Stack) -> Iterator[Statuses]:
    """Signs every request in and counts the responses."""
    seen: Statuses = Counter()

    def before_call(context: schemathesis.HookContext, case: Case, kwargs: dict[str, Any]) -> None:
        # The same caller for the same request, so that a failure can be reproduced. Until an
        # operation has succeeded, it is the one who may use it on any session and room.
        request = repr((case.operation.label, case.path_parameters, case.query, case.body))
        user = USERS[zlib.crc32(request.encode(errors="replace")) % len(USERS)]
        if case.operation.label not in _served(seen):
            user = "moderator"
        case.headers["Authorization"] = f"Bearer {stack.facts['users'][user]['token']}"

    def after_call(
        context: schemathesis.HookContext, case: Case, response: schemathesis.Response
    ) -> None:
        seen[case.operation.label, response.status_code] += 1

    schemathesis.hook(before_call)
    schemathesis.hook(after_call)
    yield seen
    schemathesis.hooks.unregister(before_call)
    schemathesis.hooks.unregister(after_call)


generated = partial(
    settings,
    deadline=None,
    derandomize=not SOAK,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@features.parametrize()
@generated(max_examples=FEATURE_EXAMPLES)
def test_every_response_about_features_conforms_to_the_contract(case: Case, stack: Stack) -> None:
    case.call_and_validate(base_url=stack.facts["apiUrl"])


@one_by_one.parametrize()
@generated(max_examples=EXAMPLES)
def test_every_response_conforms_to_the_contract(case: Case, stack: Stack) -> None:
    case.call_and_validate(base_url=stack.facts["apiUrl"])


def test_every_response_along_the_links_conforms_to_the_contract(
    stack: Stack, responses: Statuses, record_property: RecordProperty
) -> None:
    chained.config.update(base_url=stack.facts["apiUrl"])
    responses.clear()
    # Chance decides which operations a chain succeeds with, even with a seed: the caller depends on
    # the session ID. Without any success of an operation, the test would show nothing of it.
    expected = {_label(operation) for operation in operations() if _in_chains(operation)}
    chains = 0
    # A round ends early if a repeated chain gets a different response, for instance because another
    # chain has used the room or the key.
    while chains < CHAINS or (expected - _served(responses) and chains < MOST_CHAINS):
        if not SOAK:
            chained.config.seed = chains
        for event in from_schema(chained).execute():
            assert not isinstance(event, events.FatalError | events.NonFatalError), event
            if isinstance(event, events.ScenarioFinished):
                chains += 1
                failures = _failures(event)
                assert not failures, "\n".join(failures)
    record_property("chains", chains)
    record_property("responses", sum(responses.values()))
    assert _served(responses) == expected


def test_operations_beyond_the_chains_have_their_own_tests() -> None:
    assert BEYOND_CHAINS.keys() <= {operation.name for operation in operations()}
    missing = [name for name in BEYOND_CHAINS.values() if not exists(name)]
    assert not missing


def _in_chains(operation: Operation) -> bool:
    return operation.name not in BEYOND_CHAINS and not _is_of_feature(operation)


def _label(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def _served(responses: Statuses) -> set[str]:
    """Returns the operations that a caller has used successfully."""
    return {label for label, status in responses if status < 300}


def _failures(event: events.ScenarioFinished) -> list[str]:
    return [
        f"{check.failure_info.failure}\n{check.failure_info.code_sample}"
        for checks in event.recorder.checks.values()
        for check in checks
        if check.failure_info is not None
    ]
