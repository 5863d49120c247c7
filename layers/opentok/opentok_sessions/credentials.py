"""The vendor's credentials: in Secrets Manager, cached in memory.

No request fails during a rotation if the old secret outlives the cache TTL.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from opentok_client.credentials import Credentials, Platform, from_secret
from opentok_client.errors import InvalidCredentials

from .domain.deadline import CREDENTIALS_MIN_AGE_SECONDS, CREDENTIALS_RETRY_SECONDS
from .domain.problems import CredentialsUnavailable
from .runtime import telemetry

if TYPE_CHECKING:
    from botocore.client import BaseClient

__all__ = ["CredentialCache"]


class CredentialCache:
    """The credentials, read when first needed and again after `cache_seconds`.

    `platform` decides which fields of the secret are used.
    """

    def __init__(
        self,
        secrets_manager: BaseClient,
        secret_id: str,
        platform: str,
        cache_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secrets_manager = secrets_manager
        self._secret_id = secret_id
        self._platform = Platform(platform)
        self._cache_seconds = cache_seconds
        self._monotonic = monotonic
        self._current: Credentials | None = None
        self._read_at = 0.0
        self._read_again_at = 0.0
        self._retry_seconds = CREDENTIALS_RETRY_SECONDS

    def current(self) -> Credentials:
        """Returns the credentials, at most `cache_seconds` old unless Secrets Manager fails.

        Raises `CredentialsUnavailable` when there are none, not even expired ones.
        """
        if self._current is not None and self._monotonic() < self._read_again_at:
            return self._current
        return self._read()

    def for_project(self, project_id: str) -> Credentials:
        """Returns the credentials, read again if the cached ones belong to another project.

        The project may have changed, and another execution environment may know it already. The
        result can still belong to another project.
        """
        credentials = self.current()
        return credentials if credentials.project_id == project_id else self.reread()

    def reread(self, rejected: Credentials | None = None) -> Credentials:
        """Returns the credentials, read again unless that happened a moment ago.

        `rejected` are credentials that the vendor has rejected: they are replaced however fresh.
        """
        fresh = self._monotonic() < self._read_at + CREDENTIALS_MIN_AGE_SECONDS
        if self._current is not None and fresh and self._current != rejected:
            return self._current
        return self._read()

    def _read(self) -> Credentials:
        begun = self._monotonic()
        try:
            self._current = self._fetch()
        except (BotoCoreError, ClientError, InvalidCredentials) as error:
            # AWS's message names the secret, ours name fields: neither shows a value.
            telemetry.logger.error("credentials_unreadable", extra={"reason": str(error)})
            if self._current is None:
                raise CredentialsUnavailable(
                    "The video platform's credentials are not available."
                ) from error
            telemetry.count("CredentialsStale")
            # Counted from now: the failed call may have taken longer than the interval.
            self._read_at = self._monotonic()
            self._retry_seconds = min(self._retry_seconds, self._cache_seconds)
            self._read_again_at = self._read_at + self._retry_seconds
            self._retry_seconds *= 2
            return self._current
        self._read_at = self._monotonic()
        self._read_again_at = (
            begun + self._cache_seconds
        )  # it may have changed right after the read
        self._retry_seconds = CREDENTIALS_RETRY_SECONDS
        return self._current

    def _fetch(self) -> Credentials:
        response = self._secrets_manager.get_secret_value(SecretId=self._secret_id)
        credentials = from_secret(_parsed(response), self._platform)
        if self._current not in (None, credentials):
            from opentok_client.signing import signed_jwt

            signed_jwt(credentials, {})  # one that cannot sign must not replace one that can
        return credentials


def _parsed(response: Mapping[str, str | bytes]) -> object:
    """Returns the secret's JSON value, from its text or its bytes, with or without a BOM.

    Raises `InvalidCredentials`, which names a line and never shows the content.
    """
    content = response.get("SecretString") or response.get("SecretBinary") or b""
    # `from None` below: the parser's error holds the secret.
    try:
        if isinstance(content, bytes):
            content = content.decode(json.detect_encoding(content))
        content = content.lstrip("\ufeff")
        return json.loads(content)
    except json.JSONDecodeError as error:
        reason = f"the secret is not valid JSON (line {error.lineno})"
        if _has_control_characters(content):
            reason += r": a line break inside a JSON text must be written \n, and a tab \t"
        raise InvalidCredentials(reason) from None
    except (ValueError, RecursionError):
        raise InvalidCredentials("the secret is not valid JSON") from None


def _has_control_characters(content: str | bytes) -> bool:
    """Returns whether unescaped control characters are all that is wrong with the JSON text."""
    try:
        json.loads(content, strict=False)
    except (ValueError, RecursionError):
        return False
    return True
