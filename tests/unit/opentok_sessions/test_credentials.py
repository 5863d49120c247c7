"""The credentials: caching, failures of Secrets Manager, and secrecy."""

from __future__ import annotations

import base64
import json
import logging
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from opentok_client.clock import Clocks
from opentok_client.credentials import OpenTokCredentials, VonageCredentials
from opentok_sessions.credentials import CredentialCache
from opentok_sessions.domain.deadline import CREDENTIALS_MIN_AGE_SECONDS, CREDENTIALS_RETRY_SECONDS
from opentok_sessions.domain.problems import CredentialsUnavailable
from tests.aws import API_KEY, API_SECRET, SECRET_ID, Answer, Aws, Reaction, answer, before, refuse
from tests.unit.opentok_sessions.application import Clock

CACHE_SECONDS = 60
OURS = OpenTokCredentials(API_KEY, API_SECRET)
NEXT_SECRET = "the-next-secret-that-was-made-up-for-tests"
NEXT = OpenTokCredentials(API_KEY, NEXT_SECRET)
GONE = refuse("ResourceNotFoundException")

Log = Callable[[], str]
Metrics = Callable[[], Counter[str]]


@pytest.fixture
def cache(aws: Aws, clock: Clock) -> CredentialCache:
    return make(aws, clock)


def make(
    aws: Aws,
    clock: Clock,
    platform: str = "opentok",
    seconds: float = CACHE_SECONDS,
    project_id: str = "",
    wall: Clock | None = None,
) -> CredentialCache:
    return CredentialCache(
        aws.client("secretsmanager", attempts=1),
        SECRET_ID,
        platform,
        seconds,
        project_id,
        Clocks(clock, wall or clock),
    )


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key.private_bytes(*form).decode()


def rotate(aws: Aws) -> None:
    aws.put_secret({"apiKey": API_KEY, "apiSecret": NEXT_SECRET})


class TestCache:
    def test_the_secret_is_read_on_first_use(self, aws: Aws, cache: CredentialCache) -> None:
        assert aws.calls == []
        assert cache.current() == OURS
        assert aws.calls == ["GetSecretValue"]
        assert aws.requests == [{"SecretId": SECRET_ID}]

    def test_the_secret_is_cached_for_its_ttl(
        self, aws: Aws, cache: CredentialCache, clock: Clock
    ) -> None:
        cache.current()
        rotate(aws)
        clock.turn(CACHE_SECONDS - 0.01)
        assert cache.current() == OURS
        clock.turn(0.01)
        assert cache.current() == NEXT
        assert cache.current() == NEXT
        assert aws.calls == ["GetSecretValue"] * 2

    def test_a_reread_does_not_wait_for_the_ttl(
        self, aws: Aws, cache: CredentialCache, clock: Clock
    ) -> None:
        cache.current()
        rotate(aws)
        clock.turn(CREDENTIALS_MIN_AGE_SECONDS)
        assert cache.reread() == NEXT
        clock.turn(CACHE_SECONDS - 0.01)
        assert cache.current() == NEXT
        assert aws.calls == ["GetSecretValue"] * 2

    def test_a_reread_uses_credentials_that_were_read_a_moment_ago(
        self, aws: Aws, cache: CredentialCache, clock: Clock
    ) -> None:
        cache.current()
        rotate(aws)
        clock.turn(CREDENTIALS_MIN_AGE_SECONDS - 0.01)
        assert cache.reread() == OURS
        assert aws.calls == ["GetSecretValue"]

    def test_a_reread_after_a_slow_read_does_not_read_again(
        self, aws: Aws, cache: CredentialCache, clock: Clock
    ) -> None:
        aws.meet("GetSecretValue", before(lambda: clock.turn(10)))
        assert [cache.current(), cache.reread()] == [OURS] * 2
        assert aws.calls == ["GetSecretValue"]

    def test_the_cache_ttl_starts_with_the_request(
        self, aws: Aws, cache: CredentialCache, clock: Clock
    ) -> None:
        """The secret may have changed right after it was read."""
        aws.meet("GetSecretValue", before(lambda: clock.turn(10)))
        cache.current()
        rotate(aws)
        clock.turn(CACHE_SECONDS - 10)
        assert cache.current() == NEXT

    def test_rejected_credentials_are_read_again(self, aws: Aws, cache: CredentialCache) -> None:
        held = cache.current()
        rotate(aws)
        assert cache.reread(held) == NEXT
        assert cache.reread(held) == NEXT
        assert aws.calls == ["GetSecretValue"] * 2

    def test_a_reread_reads_the_secret_when_it_was_never_read(
        self, aws: Aws, cache: CredentialCache
    ) -> None:
        assert cache.reread() == OURS
        assert cache.current() == OURS
        assert aws.calls == ["GetSecretValue"]


class TestWhenSecretsManagerFails:
    def test_the_last_good_credentials_stay_in_use(
        self, aws: Aws, cache: CredentialCache, clock: Clock, metrics: Metrics, log: Log
    ) -> None:
        cache.current()
        clock.turn(CACHE_SECONDS)
        aws.meet_always("GetSecretValue", refuse("ThrottlingException"))
        assert cache.current() == OURS
        assert metrics()["CredentialsStale"] == 1
        assert "credentials_unreadable" in log()
        assert "ThrottlingException" in log()

    def test_a_failed_read_is_retried_after_a_few_seconds(
        self, aws: Aws, cache: CredentialCache, clock: Clock
    ) -> None:
        cache.current()
        clock.turn(CACHE_SECONDS)
        aws.meet("GetSecretValue", GONE)
        rotate(aws)
        assert cache.current() == OURS
        clock.turn(CREDENTIALS_RETRY_SECONDS - 0.01)
        assert cache.current() == OURS
        assert aws.calls == ["GetSecretValue"] * 2
        clock.turn(0.01)
        assert cache.current() == NEXT

    def test_failed_reads_are_retried_at_growing_intervals(
        self, aws: Aws, cache: CredentialCache, clock: Clock
    ) -> None:
        """A caller waits for each failed read."""
        cache.current()
        clock.turn(CACHE_SECONDS)
        aws.meet_always("GetSecretValue", GONE)
        for pause in (5, 10, 20, 40, CACHE_SECONDS, CACHE_SECONDS):
            aws.forget_calls()
            assert cache.current() == OURS
            clock.turn(pause - 0.01)
            assert cache.current() == OURS
            assert aws.calls == ["GetSecretValue"]
            clock.turn(0.01)
        aws.no_more()
        assert cache.current() == OURS
        clock.turn(CACHE_SECONDS)
        aws.meet("GetSecretValue", GONE)
        cache.current()
        clock.turn(CREDENTIALS_RETRY_SECONDS)
        aws.forget_calls()
        cache.current()
        assert aws.calls == ["GetSecretValue"], "as in the beginning, after it has worked again"

    def test_a_short_ttl_limits_the_retry_interval(self, aws: Aws, clock: Clock) -> None:
        cache = make(aws, clock, seconds=2)
        cache.current()
        clock.turn(2)
        aws.meet("GetSecretValue", GONE)
        rotate(aws)
        assert cache.current() == OURS
        clock.turn(2)
        assert cache.current() == NEXT

    def test_a_slow_failure_is_waited_for_only_once(
        self, aws: Aws, cache: CredentialCache, clock: Clock
    ) -> None:
        cache.current()
        clock.turn(CACHE_SECONDS)

        def slow(proceed: Answer) -> AWSResponse:
            clock.turn(10 * CREDENTIALS_RETRY_SECONDS)
            return GONE(proceed)

        aws.meet("GetSecretValue", slow)
        assert [cache.current(), cache.current(), cache.reread()] == [OURS] * 3
        assert aws.calls == ["GetSecretValue"] * 2

    @pytest.mark.parametrize("call", ["current", "reread"])
    def test_a_new_secret_that_cannot_sign_is_not_used(
        self, aws: Aws, clock: Clock, private_key: str, log: Log, call: str
    ) -> None:
        aws.put_secret({"applicationId": "a-1", "privateKey": private_key})
        cache = make(aws, clock, "vonage")
        good = cache.current()
        aws.put_secret({"applicationId": "a-1", "privateKey": "hunter2"})
        clock.turn(CACHE_SECONDS)
        assert getattr(cache, call)() == good
        assert "privateKey is not a private key in PEM format" in log()
        assert "hunter2" not in log()

    def test_a_failed_reread_returns_the_last_good_credentials(
        self, aws: Aws, cache: CredentialCache, clock: Clock
    ) -> None:
        cache.current()
        clock.turn(CREDENTIALS_MIN_AGE_SECONDS)
        aws.meet("GetSecretValue", GONE)
        rotate(aws)
        assert cache.reread() == OURS
        clock.turn(CREDENTIALS_MIN_AGE_SECONDS)
        assert cache.reread() == NEXT

    @pytest.mark.parametrize(
        "reaction",
        [
            GONE,
            refuse("ThrottlingException"),
            refuse("InternalServiceError", 500),
            refuse("AccessDeniedException"),
            refuse("DecryptionFailure"),
        ],
        ids=["gone", "throttled", "500", "denied", "kms"],
    )
    def test_without_cached_credentials_a_failed_read_is_reported(
        self, aws: Aws, cache: CredentialCache, reaction: Reaction, metrics: Metrics
    ) -> None:
        aws.meet("GetSecretValue", reaction)
        with pytest.raises(CredentialsUnavailable) as failure:
            cache.current()
        assert failure.value.retry_after > 0
        assert "CredentialsStale" not in metrics()
        assert cache.current() == OURS  # the next request asks again

    def test_a_secret_without_a_value_is_reported(self, aws: Aws, clock: Clock) -> None:
        aws.secrets_manager.create_secret(Name="empty")
        cache = CredentialCache(
            aws.client("secretsmanager", attempts=1), "empty", "opentok", CACHE_SECONDS
        )
        with pytest.raises(CredentialsUnavailable):
            cache.current()


GARBAGE: list[Any] = [
    "",
    "hunter2-as-plain-text",
    '{"apiKey": "47000001", "apiSecret": "hunter2',
    '"hunter2"',
    '["hunter2"]',
    "47000001",
    "null",
    "{}",
    "[" * 5000,
    {"apiKey": "47000001", "api_secret": "hunter2"},
    {"apiKey": "", "apiSecret": "hunter2"},
    {"apiKey": "47000001", "apiSecret": ""},
    {"apiKey": "47000001", "apiSecret": ["hunter2"]},
    {"apiKey": {"hunter2": 1}, "apiSecret": "hunter2"},
    {"applicationId": "hunter2"},
    {"privateKey": "hunter2"},
    {"applicationId": "a", "privateKey": "hunter2"},  # of the other platform
]


@pytest.mark.parametrize("secret", GARBAGE)
class TestUnusableSecret:
    def test_an_unusable_secret_is_reported_without_its_content(
        self, aws: Aws, cache: CredentialCache, secret: object, log: Log
    ) -> None:
        store(aws, secret)
        with pytest.raises(CredentialsUnavailable) as failure:
            cache.current()
        # The traceback as Python prints it, and as the formatter of the log writes it.
        error = failure.value
        logging.getLogger("tests").error("failed", exc_info=error)
        shown = "".join(traceback.format_exception(error)) + log() + repr(error) + error.detail
        assert "hunter2" not in shown
        assert '"credentials_unreadable"' in shown

    def test_the_last_good_credentials_stay_in_use(
        self, aws: Aws, cache: CredentialCache, clock: Clock, secret: object, metrics: Metrics
    ) -> None:
        cache.current()
        store(aws, secret)
        clock.turn(CACHE_SECONDS)
        assert cache.current() == OURS
        assert metrics()["CredentialsStale"] == 1


def store(aws: Aws, secret: object) -> None:
    """Secrets Manager takes no empty text from the console either; it may hold one all the same."""
    if secret:
        aws.put_secret(secret)
    else:
        aws.meet_always("GetSecretValue", answer(200, {"SecretString": ""}))


TEXT = json.dumps({"apiKey": API_KEY, "apiSecret": API_SECRET})


def binary(content: bytes) -> Reaction:
    return answer(200, {"SecretBinary": base64.b64encode(content).decode()})


@pytest.mark.parametrize(
    "reaction",
    [
        answer(200, {"SecretString": "\ufeff" + TEXT}),
        binary(TEXT.encode()),
        binary(TEXT.encode("utf-8-sig")),
        binary(TEXT.encode("utf-16")),
        answer(200, {"SecretString": "\r\n\t" + json.dumps(json.loads(TEXT), indent=2) + "\r\n"}),
    ],
    ids=["text with BOM", "binary", "binary with BOM", "binary as UTF-16", "indented"],
)
def test_a_secret_is_read_from_text_or_bytes_with_or_without_bom(
    aws: Aws, cache: CredentialCache, reaction: Reaction
) -> None:
    aws.meet("GetSecretValue", reaction)
    assert cache.current() == OURS


@pytest.mark.parametrize("content", [b"hunter2", b"\xff\xfehunter2\xd8", b"\x80hunter2", b""])
def test_an_unusable_binary_secret_is_not_shown(
    aws: Aws, cache: CredentialCache, log: Log, content: bytes
) -> None:
    aws.meet("GetSecretValue", binary(content))
    with pytest.raises(CredentialsUnavailable):
        cache.current()
    assert "the secret is not valid JSON" in log()
    assert "hunter2" not in log() and "aHVudGVyMg" not in log()


@pytest.mark.parametrize("character", ["\n", "\r\n", "\t"])
def test_a_line_break_inside_a_json_text_is_named_with_its_line(
    aws: Aws, cache: CredentialCache, log: Log, character: str
) -> None:
    store(aws, f'{{\n  "apiKey": "47000001",\n  "apiSecret": "hunter2{character}hunter2"\n}}')
    with pytest.raises(CredentialsUnavailable):
        cache.current()
    reason = json.loads(log())["reason"]
    assert reason == (
        r"the secret is not valid JSON (line 3): a line break inside a JSON text must be written"
        r" \n, and a tab \t"
    )


def test_another_json_error_is_named_with_its_line_only(
    aws: Aws, cache: CredentialCache, log: Log
) -> None:
    store(aws, '{\n"apiKey": "47000001"\n"apiSecret": "hunter2"}')
    with pytest.raises(CredentialsUnavailable):
        cache.current()
    assert json.loads(log())["reason"] == "the secret is not valid JSON (line 3)"


class TestPlatforms:
    def test_a_secret_of_the_other_platform_is_refused(
        self, aws: Aws, clock: Clock, log: Log
    ) -> None:
        with pytest.raises(CredentialsUnavailable):
            make(aws, clock, platform="vonage").current()
        assert "opentok platform" in log()
        assert "Platform is vonage" in log()

    def test_the_credentials_of_a_vonage_application_are_read(self, aws: Aws, clock: Clock) -> None:
        aws.put_secret({"applicationId": "a-1", "privateKey": "-----BEGIN PRIVATE KEY-----"})
        credentials = make(aws, clock, platform="vonage").current()
        assert credentials == VonageCredentials("a-1", "-----BEGIN PRIVATE KEY-----")


def test_secrets_are_kept_out_of_the_repr(cache: CredentialCache) -> None:
    cache.current()
    assert API_SECRET not in repr(cache)
    assert API_SECRET not in repr(cache.current())


class TestFrozenExecutionEnvironment:
    """Its monotonic clock stands still while the wall clock goes on."""

    @pytest.fixture
    def wall(self) -> Clock:
        return Clock()

    @pytest.fixture
    def cache(self, aws: Aws, clock: Clock, wall: Clock) -> CredentialCache:
        return make(aws, clock, wall=wall)

    @pytest.mark.parametrize("frozen", [CACHE_SECONDS, 3600, 7 * 86_400])
    def test_the_credentials_are_read_again_when_only_the_wall_clock_has_moved(
        self, aws: Aws, cache: CredentialCache, wall: Clock, frozen: float
    ) -> None:
        assert cache.current() == OURS
        rotate(aws)
        wall.turn(frozen)
        assert cache.current() == NEXT
        assert aws.calls == ["GetSecretValue"] * 2

    def test_the_credentials_are_kept_until_their_time_has_passed_on_a_clock(
        self, aws: Aws, cache: CredentialCache, clock: Clock, wall: Clock
    ) -> None:
        cache.current()
        clock.turn(CACHE_SECONDS - 1)
        wall.turn(CACHE_SECONDS - 1)
        cache.current()
        assert aws.calls == ["GetSecretValue"]

    def test_the_credentials_are_read_again_when_the_wall_clock_is_set_back(
        self, aws: Aws, cache: CredentialCache, clock: Clock, wall: Clock
    ) -> None:
        cache.current()
        rotate(aws)
        wall.turn(-3600)
        clock.turn(CACHE_SECONDS)
        assert cache.current() == NEXT

    def test_a_retry_after_a_failed_read_is_due_by_the_wall_clock(
        self, aws: Aws, cache: CredentialCache, wall: Clock
    ) -> None:
        cache.current()
        wall.turn(CACHE_SECONDS)
        aws.meet("GetSecretValue", GONE)
        rotate(aws)
        assert cache.current() == OURS
        wall.turn(CREDENTIALS_RETRY_SECONDS)
        assert cache.current() == NEXT

    def test_a_reread_is_possible_when_only_the_wall_clock_has_moved(
        self, aws: Aws, cache: CredentialCache, wall: Clock
    ) -> None:
        cache.current()
        rotate(aws)
        wall.turn(CREDENTIALS_MIN_AGE_SECONDS)
        assert cache.reread() == NEXT


class TestProjectId:
    REASON = (
        "the secret contains credentials of the project 46000000, but the parameter ProjectId is"
        f" {API_KEY}: change one of them"
    )

    def test_the_credentials_of_the_project_are_accepted(self, aws: Aws, clock: Clock) -> None:
        assert make(aws, clock, project_id=API_KEY).current() == OURS

    def test_the_secret_of_another_project_is_refused_and_the_last_good_value_stays_in_use(
        self, aws: Aws, clock: Clock, log: Log, metrics: Metrics
    ) -> None:
        cache = make(aws, clock, project_id=API_KEY)
        cache.current()
        aws.put_secret({"apiKey": "46000000", "apiSecret": "hunter2"})
        clock.turn(CACHE_SECONDS)
        assert [cache.current(), cache.current()] == [OURS] * 2
        assert cache.for_project("46000000") == OURS
        [line] = log().splitlines()
        assert json.loads(line)["reason"] == self.REASON
        assert "hunter2" not in line
        assert metrics()["CredentialsStale"] == 1
        rotate(aws)
        clock.turn(CREDENTIALS_RETRY_SECONDS)
        assert cache.current() == NEXT

    def test_the_secret_of_another_project_is_reported_when_nothing_is_cached(
        self, aws: Aws, clock: Clock, log: Log
    ) -> None:
        aws.put_secret({"apiKey": "46000000", "apiSecret": "hunter2"})
        with pytest.raises(CredentialsUnavailable):
            make(aws, clock, project_id=API_KEY).current()
        assert json.loads(log())["reason"] == self.REASON

    def test_the_credentials_of_an_application_are_compared_by_its_id(
        self, aws: Aws, clock: Clock, private_key: str
    ) -> None:
        aws.put_secret({"applicationId": "a-1", "privateKey": private_key})
        assert make(aws, clock, "vonage", project_id="a-1").current().project_id == "a-1"
        with pytest.raises(CredentialsUnavailable):
            make(aws, clock, "vonage", project_id="a-2").current()
