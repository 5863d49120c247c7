"""The vendor's credentials: in Secrets Manager, and for a while in memory.

While the vendor honours an old secret for as long as it is kept here, a rotation fails nobody.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from opentok_client.credentials import Credentials, from_secret
from opentok_client.errors import InvalidCredentials

from . import telemetry
from .errors import CredentialsUnavailable

if TYPE_CHECKING:
    from botocore.client import BaseClient

__all__ = ["CredentialCache"]

RETRY_SECONDS = 5.0
"""After Secrets Manager failed: how long the last good value is used without asking again. Twice as
long after each further failure, up to the cache time: to ask in vain may take longer than that, and
somebody waits for it."""
FRESH_SECONDS = 1.0
"""What was read, or could not be read, this short a time ago is not read again, whoever doubts."""


class CredentialCache:
    """The credentials, read when they are first needed and again after `cache_seconds`.

    `platform` is what the deployment was made for; a secret of the other one is refused.
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
        self._platform = platform
        self._cache_seconds = cache_seconds
        self._monotonic = monotonic
        self._current: Credentials | None = None
        self._read_at = 0.0
        self._read_again_at = 0.0
        self._retry_seconds = RETRY_SECONDS

    def current(self) -> Credentials:
        """The credentials, at most `cache_seconds` old unless Secrets Manager fails.

        Raises `CredentialsUnavailable` when there are none, not even from before.
        """
        if self._current is not None and self._monotonic() < self._read_again_at:
            return self._current
        return self._read()

    def reread(self, refused: Credentials | None = None) -> Credentials:
        """The credentials as they are now: for when a session contradicts them, or when the vendor
        `refused` some, which then are not trusted however fresh they are."""
        fresh = self._monotonic() < self._read_at + FRESH_SECONDS
        if self._current is not None and fresh and self._current != refused:
            return self._current
        return self._read()

    def _read(self) -> Credentials:
        begun = self._monotonic()
        try:
            self._current = self._fetch()
        except (BotoCoreError, ClientError, InvalidCredentials) as error:
            # AWS's words name the secret, ours name members: neither shows a value.
            telemetry.logger.error("credentials_unreadable", extra={"reason": str(error)})
            if self._current is None:
                raise CredentialsUnavailable(
                    "The video platform's credentials cannot be had right now."
                ) from error
            telemetry.count("CredentialsStale")
            # From now on, not from the beginning: to fail may have taken longer than the wait.
            self._read_at = self._monotonic()
            self._retry_seconds = min(self._retry_seconds, self._cache_seconds)
            self._read_again_at = self._read_at + self._retry_seconds
            self._retry_seconds *= 2
            return self._current
        self._read_at = self._monotonic()
        self._read_again_at = begun + self._cache_seconds  # it may have changed right afterwards
        self._retry_seconds = RETRY_SECONDS
        return self._current

    def _fetch(self) -> Credentials:
        answer = self._secrets_manager.get_secret_value(SecretId=self._secret_id)
        try:
            secret = json.loads(answer["SecretString"])
        except (KeyError, ValueError, RecursionError):
            # `from None`: the parser's error would quote the secret.
            raise InvalidCredentials("the secret is not JSON text") from None
        credentials = from_secret(secret)
        if credentials.platform != self._platform:
            raise InvalidCredentials(
                f"the secret holds credentials of the {credentials.platform} platform, but the"
                f" parameter Platform is {self._platform}: change one of them"
            )
        if self._current not in (None, credentials):
            from opentok_client.signing import signed_jwt

            signed_jwt(credentials, {})  # one that cannot sign replaces none that can
        return credentials
