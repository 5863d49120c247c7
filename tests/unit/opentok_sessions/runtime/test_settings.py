"""The environment: what is read, and that what is missing or wrong is named."""

from __future__ import annotations

import pytest

from opentok_sessions.runtime.settings import InvalidSettings, Settings
from tests.environment import SETTINGS

DAY = 86_400
ENVIRONMENT = {
    **SETTINGS,
    "SECRET_ID": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:video",
    "POOLS": "[]",
    "CALLER_SESSIONS_PER_HOUR": "600",
    "CALLER_TOKENS_PER_MINUTE": "120",
    "CALLER_FEATURES_PER_HOUR": "60",
    "EVENT_BUS_NAME": "",
}
MAY_BE_EMPTY = ("API_URL", "PROJECT_ID", "TENANT_CLAIM", "EVENT_BUS_NAME")


def test_everything_is_read() -> None:
    assert Settings.from_environment(ENVIRONMENT) == Settings(
        table_name="sessions",
        secret_id="arn:aws:secretsmanager:eu-central-1:123456789012:secret:video",
        platform="opentok",
        project_id="",
        api_url="",
        token_format="jwt",
        max_token_seconds=DAY,
        room_idle_seconds=43_200,
        room_empty_seconds=60,
        connection_data="caller",
        retention_seconds=30 * DAY,
        secret_cache_seconds=60,
        pools="[]",
        refill_limit=500,
        moderators_claim="cognito:groups",
        moderators_group="moderators",
        tenant_claim="",
        permanent_rooms_by="anyone",
        features_by="owner",
        caller_sessions_per_hour=600,
        caller_tokens_per_minute=120,
        caller_features_per_hour=60,
        caller_rooms=0,
        event_bus_name="",
    )


def test_the_process_environment_is_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    assert Settings.from_environment() == Settings.from_environment(ENVIRONMENT)
    monkeypatch.delenv("TABLE_NAME")
    with pytest.raises(InvalidSettings, match="TABLE_NAME"):
        Settings.from_environment()


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_what_is_missing_is_named(name: str) -> None:
    environment = {key: value for key, value in ENVIRONMENT.items() if key != name}
    with pytest.raises(InvalidSettings, match=f"variable {name} is not set"):
        Settings.from_environment(environment)


@pytest.mark.parametrize("name", [name for name in ENVIRONMENT if name not in MAY_BE_EMPTY])
def test_an_empty_variable_counts_as_missing(name: str) -> None:
    with pytest.raises(InvalidSettings, match=f"variable {name} is not set"):
        Settings.from_environment({**ENVIRONMENT, name: ""})


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("MAX_TOKEN_SECONDS", 60, 30 * DAY),
        ("ROOM_IDLE_SECONDS", 60, 30 * DAY),
        ("RETENTION_DAYS", 1, 3650),
        ("SECRET_CACHE_SECONDS", 1, 3600),
        ("REFILL_LIMIT", 1, 10_000),
    ],
)
def test_numbers_have_limits(name: str, least: int, most: int) -> None:
    for value in (least, most):
        Settings.from_environment({**ENVIRONMENT, name: str(value)})
    for wrong in (str(least - 1), str(most + 1), "-60", "60.5", "1e3", " 60", "+60", "٦٠", "sixty"):
        with pytest.raises(InvalidSettings, match=f"{name} must be an integer"):
            Settings.from_environment({**ENVIRONMENT, name: wrong})


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("PLATFORM", ("opentok", "vonage")),
        ("TOKEN_FORMAT", ("jwt", "t1")),
        ("FEATURES_BY", ("owner", "moderators")),
    ],
)
def test_choices_are_closed(name: str, values: tuple[str, ...]) -> None:
    for value in values:
        Settings.from_environment({**ENVIRONMENT, name: value})
    for wrong in ("OpenTok", "JWT", "tokbox", " opentok"):
        with pytest.raises(InvalidSettings, match=f"{name} must be one of {', '.join(values)}"):
            Settings.from_environment({**ENVIRONMENT, name: wrong})


def test_a_record_is_kept_at_least_until_its_room_is_idle() -> None:
    day_and_a_bit = {**ENVIRONMENT, "RETENTION_DAYS": "1", "ROOM_IDLE_SECONDS": str(DAY + 1)}
    with pytest.raises(InvalidSettings, match="RETENTION_DAYS must not be shorter"):
        Settings.from_environment(day_and_a_bit)
    Settings.from_environment({**day_and_a_bit, "ROOM_IDLE_SECONDS": str(DAY)})
