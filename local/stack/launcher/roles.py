"""Credentials of the functions' roles.

MiniStack derives them from the function's name alone, which any program can repeat. Here the run's
random secret goes into them as well.
"""

import hashlib
import hmac
from typing import Any

__all__ = ["Roles"]


class Roles:
    """Creates temporary credentials for functions, from a secret of this run."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def install(self) -> None:
        """Replaces MiniStack's own derivation."""
        from ministack.core import lambda_runtime

        lambda_runtime.execution_credentials = self.credentials

    def credentials(self, function: dict[str, Any]) -> dict[str, str]:
        """Returns environment variables with the credentials of the function's role.

        The same function and role always get the same credentials, as workers are reused.
        """
        from ministack.services import sts

        arn, role = function["FunctionArn"], function.get("Role", "")
        account, role_name = arn.split(":")[4], role.rsplit("/", 1)[-1]
        key = f"ASIA{self._derived('key', arn, role)[:16].upper()}"
        secret = self._derived("secret", arn, role)
        token = self._derived("token", arn, role)
        session = function.get("FunctionName", "function")[:64]
        sts.register_session(
            key,
            {
                "Arn": f"arn:aws:sts::{account}:assumed-role/{role_name}/{session}",
                "UserId": f"{role_name}:{session}",
                "SecretAccessKey": secret,
                "SessionToken": token,
            },
        )
        return {
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_SESSION_TOKEN": token,
        }

    def _derived(self, *parts: str) -> str:
        return hmac.new(self._secret, "\0".join(parts).encode(), hashlib.sha256).hexdigest()
