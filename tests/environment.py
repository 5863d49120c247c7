"""The environment of the functions: one list for tests and benchmarks."""

from __future__ import annotations

__all__ = ["ENVIRONMENT", "REGION", "SECRET_ID", "SETTINGS", "TABLE_NAME"]

REGION = "eu-central-1"
TABLE_NAME = "sessions"
SECRET_ID = "video-credentials"

SETTINGS = {
    "TABLE_NAME": TABLE_NAME,
    "SECRET_ID": SECRET_ID,
    "PLATFORM": "opentok",
    "PROJECT_ID": "",
    "API_URL": "",
    "TOKEN_FORMAT": "jwt",
    "MAX_TOKEN_SECONDS": "86400",
    "ROOM_IDLE_SECONDS": "43200",
    "ROOM_EMPTY_SECONDS": "60",
    "PERMANENT_ROOMS_BY": "anyone",
    "FEATURES_BY": "owner",
    "CONNECTION_DATA": "caller",
    "RETENTION_DAYS": "30",
    "SECRET_CACHE_SECONDS": "60",
    "POOLS": '[{"mediaMode":"routed","min":2,"max":20},{"mediaMode":"relayed","min":2,"max":20}]',
    "REFILL_LIMIT": "500",
    "MODERATORS_CLAIM": "cognito:groups",
    "MODERATORS_GROUP": "moderators",
    "TENANT_CLAIM": "",
    "CALLER_SESSIONS_PER_HOUR": "0",
    "CALLER_TOKENS_PER_MINUTE": "0",
    "CALLER_FEATURES_PER_HOUR": "0",
    "CALLER_ROOMS": "0",
    "EVENT_BUS_NAME": "calls",
}
"""The variables that `Settings` reads."""

ENVIRONMENT = {
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
    **SETTINGS,
    "POWERTOOLS_SERVICE_NAME": "tests",
    "POWERTOOLS_METRICS_NAMESPACE": "OpenTokSessions",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "POWERTOOLS_LOGGER_SAMPLE_RATE": "0",
}
"""All variables of a function."""
