"""The deployment's settings. The only module that reads the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["InvalidSettings", "Settings"]

DAY_SECONDS = 24 * 3600


class InvalidSettings(Exception):
    """A variable is missing or unusable; the message names it."""


class Settings(NamedTuple):
    """The template's parameters as the functions see them. Durations are in seconds."""

    table_name: str
    secret_id: str
    platform: str
    project_id: str
    api_url: str
    token_format: str
    max_token_seconds: int
    room_idle_seconds: int
    room_empty_seconds: int
    connection_data: str
    retention_seconds: int
    secret_cache_seconds: int
    pools: str
    refill_limit: int
    moderators_claim: str
    moderators_group: str
    tenant_claim: str
    permanent_rooms_by: str
    features_by: str
    caller_sessions_per_hour: int
    caller_tokens_per_minute: int
    caller_features_per_hour: int
    caller_rooms: int
    event_bus_name: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Raises `InvalidSettings` naming the first variable that is missing or unusable."""
        read = _Reader(environment)
        settings = cls(
            table_name=read.text("TABLE_NAME"),
            secret_id=read.text("SECRET_ID"),
            platform=read.one_of("PLATFORM", "opentok", "vonage"),
            project_id=read.text("PROJECT_ID", may_be_empty=True),
            api_url=read.text("API_URL", may_be_empty=True),
            token_format=read.one_of("TOKEN_FORMAT", "jwt", "t1"),
            max_token_seconds=read.integer("MAX_TOKEN_SECONDS", 60, 30 * DAY_SECONDS),
            room_idle_seconds=read.integer("ROOM_IDLE_SECONDS", 60, 30 * DAY_SECONDS),
            room_empty_seconds=read.integer("ROOM_EMPTY_SECONDS", 0, DAY_SECONDS),
            connection_data=read.one_of("CONNECTION_DATA", "caller", "identified"),
            retention_seconds=read.integer("RETENTION_DAYS", 1, 3650) * DAY_SECONDS,
            secret_cache_seconds=read.integer("SECRET_CACHE_SECONDS", 1, 3600),
            pools=read.text("POOLS"),
            refill_limit=read.integer("REFILL_LIMIT", 1, 10_000),
            moderators_claim=read.text("MODERATORS_CLAIM"),
            moderators_group=read.text("MODERATORS_GROUP"),
            tenant_claim=read.text("TENANT_CLAIM", may_be_empty=True),
            permanent_rooms_by=read.one_of("PERMANENT_ROOMS_BY", "anyone", "moderators"),
            features_by=read.one_of("FEATURES_BY", "owner", "moderators"),
            caller_sessions_per_hour=read.integer("CALLER_SESSIONS_PER_HOUR", 0, 1_000_000),
            caller_tokens_per_minute=read.integer("CALLER_TOKENS_PER_MINUTE", 0, 1_000_000),
            caller_features_per_hour=read.integer("CALLER_FEATURES_PER_HOUR", 0, 1_000_000),
            caller_rooms=read.integer("CALLER_ROOMS", 0, 1_000),
            event_bus_name=read.text("EVENT_BUS_NAME", may_be_empty=True),
        )
        if settings.retention_seconds < settings.room_idle_seconds:
            # A record would expire before its room is idle, which would split the room's callers.
            raise InvalidSettings("RETENTION_DAYS must not be shorter than ROOM_IDLE_SECONDS")
        return settings


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, *, may_be_empty: bool = False) -> str:
        value = self._environment.get(name)
        if value is None or (not value and not may_be_empty):
            raise InvalidSettings(f"the environment variable {name} is not set")
        return value

    def integer(self, name: str, least: int, most: int) -> int:
        text = self.text(name)
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise InvalidSettings(f"{name} must be an integer from {least} to {most}")
        return int(text)

    def one_of(self, name: str, *choices: str) -> str:
        text = self.text(name)
        if text not in choices:
            raise InvalidSettings(f"{name} must be one of {', '.join(choices)}")
        return text
