"""When AWS fails, every function names the failing service and sends `Retry-After`.

No partial write remains.
"""

from __future__ import annotations

import os
import socket
import socketserver
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest import mock

import pytest

from tests.aws import API_KEY, Aws, Reaction, refuse, reply_lost
from tests.unit.opentok_sessions.application import ALICE, BOB, NOW
from tests.unit.opentok_sessions.handlers import Answer, Handler, call, load
from tests.unit.opentok_sessions.vendor_server import VendorServer

CREATE = "POST /sessions"
TOKEN = "POST /sessions/{sessionId}/tokens"
GET = "GET /sessions/{sessionId}"
LIST = "GET /sessions"
CLOSE = "DELETE /sessions/{sessionId}"

FUNCTION_SECONDS = 25
"""The functions' `Timeout` in the template."""
BROKEN = refuse("AccessDeniedException")  # which botocore does not retry
PASSING: dict[str, Reaction] = {
    "throttled": refuse("ProvisionedThroughputExceededException"),
    "500": refuse("InternalServerError", 500),
}


@pytest.fixture(autouse=True)
def environment(aws: Aws, vendor: VendorServer) -> Iterator[None]:
    """Uses the vendor on loopback, and restores the environment."""
    with mock.patch.dict(os.environ, {"API_URL": vendor.url}):
        yield


@dataclass(frozen=True)
class Stack:
    """The warm functions, and a session of alice in a room whose use is due."""

    create: Handler
    issue_token: Handler
    get: Handler
    close: Handler
    session_id: str

    def requests(self) -> dict[str, Callable[[], Answer]]:
        """Returns requests that together make every AWS call of the functions."""
        own = self.session_id
        return {
            "create": lambda: call(self.create, CREATE, body={"token": {}}),
            "create with a key": lambda: call(self.create, CREATE, body={}, key="k"),
            "create in a room": lambda: call(self.create, CREATE, body={"room": "new"}),
            "join a room": lambda: call(self.create, CREATE, body={"room": "lobby"}, caller=BOB),
            "token": lambda: call(self.issue_token, TOKEN, body={}, session_id=own),
            "get": lambda: call(self.get, GET, session_id=own),
            "list": lambda: call(self.get, LIST),
            "look at a room": lambda: call(self.get, LIST, query={"room": "lobby"}),
            "close": lambda: call(self.close, CLOSE, session_id=own),
        }


USES = {
    "create": {"PutItem"},
    "create with a key": {"GetItem", "TransactWriteItems"},
    "create in a room": {"GetItem", "TransactWriteItems"},
    "join a room": {"GetItem", "TransactWriteItems"},
    "token": {"GetItem"},
    "get": {"GetItem"},
    "list": {"Query"},
    "look at a room": {"GetItem"},
    "close": {"GetItem", "TransactWriteItems"},
}


@pytest.fixture
def stack(aws: Aws) -> Stack:
    create, issue_token = load("create_session"), load("issue_token")
    made = call(create, CREATE, body={"room": "lobby"})
    session_id = made.body["sessionId"]
    assert isinstance(session_id, str)
    assert call(issue_token, TOKEN, session_id=session_id, body={}).status == 201
    item = aws.item(f"session#{session_id}")
    assert item is not None
    # In use less than the idle time ago, and more than a tenth of it.
    aws.put({**item, "lastUsedAt": {"N": str(int(item["lastUsedAt"]["N"]) - 20_000)}})
    aws.forget_calls()
    return Stack(create, issue_token, load("get_session"), load("close_session"), session_id)


def assert_unavailable(answer: Answer, code: str = "storage_unavailable") -> None:
    assert answer.status == 503, answer.text
    assert answer.body["code"] == code
    assert answer.body["requestId"] == "request-1"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    for internal in ("sessions#", "dynamodb", "secretsmanager", "Exception", "video-credentials"):
        assert internal not in answer.text


class TestDynamoDB:
    @pytest.mark.parametrize(
        ("request_name", "operation"),
        [(name, operation) for name, used in USES.items() for operation in sorted(used)],
    )
    def test_every_failing_call_of_every_request_gives_503(
        self, aws: Aws, stack: Stack, request_name: str, operation: str
    ) -> None:
        before = aws.items()
        aws.meet_always(operation, BROKEN)
        assert_unavailable(stack.requests()[request_name]())
        assert operation in aws.calls
        assert owned(aws.items()) == owned(before)
        aws.no_more()
        assert stack.requests()[request_name]().status in (200, 201, 204)

    @pytest.mark.parametrize("reaction", PASSING.values(), ids=PASSING.keys())
    def test_everything_fails_for_a_while(self, aws: Aws, stack: Stack, reaction: Reaction) -> None:
        """Concurrently, because each of them makes three attempts with pauses."""
        for operation in {"Query"}.union(*USES.values()):
            aws.meet_always(operation, reaction)
        before = aws.items()
        requests = stack.requests()
        for answer in concurrently(requests.values()):
            assert_unavailable(answer)
        assert aws.items() == before
        # A create goes on after a failed pool query, fails to record its session, and then to
        # return it to the pool.
        assert len(aws.calls) == 3 * (len(USES) + 2)

    def test_a_transient_error_of_dynamodb_is_not_noticed(self, aws: Aws, stack: Stack) -> None:
        throttled = PASSING["throttled"]
        aws.meet("GetItem", throttled)
        aws.meet("UpdateItem", reply_lost)
        assert call(stack.close, CLOSE, session_id=stack.session_id).status == 204

    def test_the_reply_to_a_claim_is_lost_for_good(self, aws: Aws, stack: Stack) -> None:
        """The caller gets 503, and the session is recorded completely as theirs."""
        pool(aws, "p1")
        aws.meet_always("PutItem", reply_lost)
        assert_unavailable(call(stack.create, CREATE, body={}))
        aws.no_more()
        item = aws.item("session#p1")
        assert item is not None
        assert item["owner"] == {"S": ALICE.sub}
        assert "poolKey" not in item
        listed = call(stack.get, LIST).body["sessions"]
        assert isinstance(listed, list)
        assert "p1" in [session["sessionId"] for session in listed]

    def test_a_refill(self, aws: Aws, stack: Stack) -> None:
        refill = load("precreate_sessions")
        event = {"pools": [{"mediaMode": "routed", "min": 2, "max": 5}]}
        for operation in ("GetItem", "Query", "PutItem"):
            aws.meet_always(operation, BROKEN)
            with pytest.raises(Exception, match="session store is unavailable"):
                refill(event, None)
            aws.no_more()
        assert pooled(aws) == []
        refill(event, None)
        assert len(pooled(aws)) == 2

    def test_a_damaged_record_is_an_internal_error_without_details(
        self, aws: Aws, stack: Stack
    ) -> None:
        item = aws.item(f"session#{stack.session_id}")
        assert item is not None
        aws.put({**item, "participants": {"L": [{"S": "carol"}]}})
        for name in ("join a room", "token", "get", "look at a room", "close"):
            answer = stack.requests()[name]()
            assert (answer.status, answer.body["code"]) == (500, "internal_error"), name
            for internal in ("participants", "carol", "Damaged", "session#", "Traceback"):
                assert internal not in answer.text
        assert call(stack.create, CREATE, body={}).status == 201

    def test_a_list_shows_the_others_beside_a_damaged_record(self, aws: Aws, stack: Stack) -> None:
        other = call(stack.create, CREATE, body={}).body["sessionId"]
        item = aws.item(f"session#{stack.session_id}")
        assert item is not None
        aws.put({**item, "mediaMode": {"S": "hologram"}})
        answer = stack.requests()["list"]()
        assert answer.status == 200
        listed = answer.body["sessions"]
        assert isinstance(listed, list)
        shown = [session["sessionId"] for session in listed]
        assert other in shown
        assert stack.session_id not in shown


class TestSecretsManager:
    @pytest.mark.parametrize(
        "reaction",
        [
            refuse("ResourceNotFoundException"),
            refuse("AccessDeniedException"),
            refuse("DecryptionFailure"),
        ],
        ids=["gone", "denied", "kms"],
    )
    def test_a_failing_secrets_manager_at_cold_start_gives_503(
        self, aws: Aws, reaction: Reaction
    ) -> None:
        session_id = "1_MX40NzAwMDAwMX5-MTcwMDAwMDAwMDAwMH5yYW5kb203N35-fg"
        aws.put(record(session_id))
        before = aws.items()
        aws.meet_always("GetSecretValue", reaction)
        create, issue_token = load("create_session"), load("issue_token")
        refused = [
            call(create, CREATE, body={}),
            call(create, CREATE, body={"room": "lobby"}, key="k"),
            call(issue_token, TOKEN, session_id=session_id, body={}),
        ]
        for answer in refused:
            assert_unavailable(answer, "credentials_unavailable")
        assert aws.items() == before
        assert call(load("get_session"), GET, session_id=session_id).status == 200
        assert call(load("close_session"), CLOSE, session_id=session_id).status == 204

    @pytest.mark.parametrize("reaction", [refuse("ThrottlingException"), PASSING["500"]])
    def test_secrets_manager_fails_for_a_while(self, aws: Aws, reaction: Reaction) -> None:
        aws.meet_always("GetSecretValue", reaction)
        handlers = [load("create_session") for _ in range(4)]
        for answer in concurrently(
            [partial(call, handler, CREATE, body={}) for handler in handlers]
        ):
            assert_unavailable(answer, "credentials_unavailable")
        assert aws.calls == ["GetSecretValue"] * 12
        assert aws.items() == []

    def test_a_transient_error_of_secrets_manager_is_not_noticed(self, aws: Aws) -> None:
        aws.meet("GetSecretValue", refuse("ThrottlingException"))
        assert call(load("create_session"), CREATE, body={}).status == 201

    @pytest.mark.parametrize("secret", ["not json: hunter2", "{}", {"apiKey": 1, "apiSecret": 2}])
    def test_the_secret_is_of_the_wrong_shape(self, aws: Aws, secret: object) -> None:
        aws.put_secret(secret)
        answer = call(load("create_session"), CREATE, body={})
        assert_unavailable(answer, "credentials_unavailable")
        assert "hunter2" not in answer.text

    def test_a_warm_function_keeps_its_credentials(self, aws: Aws, stack: Stack) -> None:
        aws.meet_always("GetSecretValue", refuse("ResourceNotFoundException"))
        for name in ("create", "join a room", "token"):
            assert stack.requests()[name]().status in (200, 201)

    def test_a_refill(self, aws: Aws, vendor: VendorServer) -> None:
        aws.meet_always("GetSecretValue", BROKEN)
        with pytest.raises(Exception, match="credentials are not available"):
            load("precreate_sessions")({"pools": [{"min": 1, "max": 1}]}, None)
        assert (aws.items(), vendor.asked) == ([], 0)


class TestWhenNothingAnswers:
    """With sockets: a server that accepts requests and never responds, and no server."""

    SESSION_ID = "1_MX40NzAwMDAwMX5-MTcwMDAwMDAwMDAwMH5yYW5kb203N35-fg"

    def test_services_that_never_respond(self, aws: Aws, vendor: VendorServer) -> None:
        with silent_server() as (url, taken):
            requests = self.requests(url)
            self.assert_all_are_unavailable(aws, vendor, requests)
            assert taken() == 3 * len(requests)

    def test_services_that_refuse_connections(self, aws: Aws, vendor: VendorServer) -> None:
        requests = self.requests(f"http://127.0.0.1:{free_port()}")
        self.assert_all_are_unavailable(aws, vendor, requests)

    def requests(self, url: str) -> list[tuple[Callable[[], Answer], str]]:
        """One to each function with one of the services there, and the code that it has to get."""
        own = self.SESSION_ID
        with mock.patch.dict(os.environ, {"AWS_ENDPOINT_URL_DYNAMODB": url}):
            requests = [
                partial(call, load("create_session"), CREATE, body={"room": "lobby"}, key="k"),
                partial(call, load("issue_token"), TOKEN, session_id=own, body={}),
                partial(call, load("get_session"), GET, session_id=own),
                partial(call, load("close_session"), CLOSE, session_id=own),
            ]
        with mock.patch.dict(os.environ, {"AWS_ENDPOINT_URL_SECRETS_MANAGER": url}):
            needing_the_secret = [
                partial(call, load("create_session"), CREATE, body={"room": "lobby"}, key="k"),
                partial(call, load("issue_token"), TOKEN, session_id=own, body={}),
            ]
        return [
            *((request, "storage_unavailable") for request in requests),
            *((request, "credentials_unavailable") for request in needing_the_secret),
        ]

    def assert_all_are_unavailable(
        self, aws: Aws, vendor: VendorServer, requests: list[tuple[Callable[[], Answer], str]]
    ) -> None:
        aws.put(record(self.SESSION_ID))
        before = aws.items()
        answers = concurrently([request for request, _ in requests])
        for answer, (_, code) in zip(answers, requests, strict=True):
            assert_unavailable(answer, code)
        assert aws.items() == before
        assert vendor.asked == 0


def concurrently(requests: Collection[Callable[[], Answer]]) -> list[Answer]:
    """Returns all responses; fails if one is later than the function's timeout."""
    with ThreadPoolExecutor(len(requests)) as threads:
        futures = [threads.submit(request) for request in requests]
        return [future.result(timeout=FUNCTION_SECONDS) for future in futures]


@contextmanager
def silent_server() -> Iterator[tuple[str, Callable[[], int]]]:
    """Accepts connections and requests without responding; yields their number."""
    taken: list[bytes] = []
    over = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            taken.append(self.request.recv(65536))
            over.wait()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 64

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", lambda: len(taken)
        finally:
            over.set()
            server.shutdown()
            thread.join()


def free_port() -> int:
    """Returns a port on which no server listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def record(session_id: str) -> dict[str, Any]:
    return {
        "pk": {"S": f"session#{session_id}"},
        "sessionId": {"S": session_id},
        "projectId": {"S": API_KEY},
        "mediaMode": {"S": "routed"},
        "owner": {"S": ALICE.sub},
        "createdAt": {"N": str(NOW * 1000)},
        "source": {"S": "created"},
        "state": {"S": "open"},
    }


def pool(aws: Aws, session_id: str) -> None:
    aws.put(
        {
            "pk": {"S": f"session#{session_id}"},
            "projectId": {"S": API_KEY},
            "poolId": {"S": f"{API_KEY}#routed"},
            "poolKey": {"S": "z"},
            "pooledAt": {"N": str(NOW)},
        }
    )


def owned(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns all items except pooled sessions, because a surplus session is pooled."""
    return [item for item in items if "poolKey" not in item]


def pooled(aws: Aws) -> list[dict[str, Any]]:
    return [item for item in aws.items("session#") if "poolKey" in item]
