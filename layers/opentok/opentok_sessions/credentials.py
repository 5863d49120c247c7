"""The vendor's credentials: stored in Secrets Manager, cached in memory.

No request fails during a rotation if the old secret outlives the cache TTL.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from opentok_client.clock import Clocks, Instant
from opentok_client.credentials import Credentials, Platform, from_secret
from opentok_client.errors import InvalidCredentials

from .domain.deadline import CREDENTIALS_MIN_AGE_SECONDS, CREDENTIALS_RETRY_SECONDS
from .domain.problems import CredentialsUnavailable
from .runtime import telemetry

if TYPE_CHECKING:
    from botocore.client import BaseClient

__all__ = ["CredentialCache"]

_PAST = Instant(0.0, 0.0)


class CredentialCache:
    """The credentials, read when first needed and again after `cache_seconds`.

    `platform` decides which fields of the secret are used. `project_id` is the only project whose
    credentials are accepted; empty accepts every project.
    """

    def __init__(
        self,
        secrets_manager: BaseClient,
        secret_id: str,
        platform: str,
        cache_seconds: float,
        project_id: str = "",
        clocks: Clocks = Clocks(),  # noqa: B008 (immutable)
    ) -> None:
        self._secrets_manager = secrets_manager
        self._secret_id = secret_id
        self._platform = Platform(platform)
        self._cache_seconds = cache_seconds
        self._project_id = project_id
        self._clocks = clocks
        self._current: Credentials | None = None
        self._fresh_until = _PAST
        self._read_again_at = _PAST
        self._retry_seconds = CREDENTIALS_RETRY_SECONDS

    def current(self) -> Credentials:
        """Returns the credentials, at most `cache_seconds` old unless Secrets Manager fails.

        Raises `CredentialsUnavailable` when there are none, not even expired ones.
        """
        if self._current is not None and not self._clocks.reached(self._read_again_at):
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
        fresh = not self._clocks.reached(self._fresh_until)
        if self._current is not None and fresh and self._current != rejected:
            return self._current
        return self._read()

    def _read(self) -> Credentials:
        begun = self._clocks.now()
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
            failed = self._clocks.now()
            self._fresh_until = failed.plus(CREDENTIALS_MIN_AGE_SECONDS)
            self._retry_seconds = min(self._retry_seconds, self._cache_seconds)
            self._read_again_at = failed.plus(self._retry_seconds)
            self._retry_seconds *= 2
            return self._current
        self._fresh_until = self._clocks.now().plus(CREDENTIALS_MIN_AGE_SECONDS)
        # Counted from the start: the secret may have changed right after it was read.
        self._read_again_at = begun.plus(self._cache_seconds)
        self._retry_seconds = CREDENTIALS_RETRY_SECONDS
        return self._current

    def _fetch(self) -> Credentials:
        response = self._secrets_manager.get_secret_value(SecretId=self._secret_id)
        credentials = from_secret(_parsed(response), self._platform)
        if self._project_id not in ("", credentials.project_id):
            raise InvalidCredentials(
                f"the secret contains credentials of the project {credentials.project_id}, but the"
                f" parameter ProjectId is {self._project_id}: change one of them"
            )
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
