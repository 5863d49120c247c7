"""MiniStack, the local AWS: how it is started, and clients for it.

It runs in an environment of its own that has none of this project's libraries. The functions run on
the same interpreter, so a library that the layer lacks is missing here too.
"""

import base64
import os
import platform
import secrets
import shutil
import threading
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local.stack import programs
from local.stack.errors import StackError
from local.stack.launcher import BOOTSTRAP

__all__ = ["REGION", "Aws", "clean_up", "healthy", "isolate", "start"]

REGION = "us-east-1"

#: What the template uses, and what a deployment needs.
SERVICES = (
    "apigateway,cloudformation,cognito-idp,dynamodb,dynamodbstreams,events,iam,lambda,logs,"
    "monitoring,s3,scheduler,secretsmanager,sns,sqs,sts"
)

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-ministack" / "bin" / "python"


@dataclass(frozen=True, slots=True)
class Aws:
    """A running MiniStack: its address, and the administrator's credentials of this run."""

    url: str
    access_key_id: str
    secret_access_key: str = field(repr=False)

    @classmethod
    def of(cls, stack: Mapping[str, Any]) -> "Aws":
        """Reads it from the content of a `stack.json`."""
        return cls(stack["awsEndpointUrl"], stack["awsAccessKeyId"], stack["awsSecretAccessKey"])

    def client(self, service: str) -> Any:
        """Returns a boto3 client with the administrator's permissions."""
        config = Config(retries={"mode": "standard", "max_attempts": 3}, read_timeout=180)
        with _creating_client:
            return _session(self.access_key_id, self.secret_access_key).client(
                service, endpoint_url=self.url, config=config
            )


_creating_client = threading.Lock()  # a session creates its clients one after the other


@cache
def _session(access_key_id: str, secret_access_key: str) -> boto3.session.Session:
    """Returns the session of these credentials, which keeps the service models it has read."""
    return boto3.session.Session(
        region_name=REGION,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret_access_key,
    )


def isolate() -> None:
    """Keeps this process away from the AWS accounts of the user that runs it."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        os.environ.pop(name, None)
    os.environ.update(_no_real_account())


def start(state: Path, mark: str) -> tuple[programs.Program, Aws]:
    """Starts MiniStack on a free port and waits until it is ready.

    Raises `StackError` when it does not start.
    """
    if not PYTHON.exists():
        raise StackError("MiniStack", f"{PYTHON} does not exist", advice="run `make setup`")
    temporary = state / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    port = programs.free_port()
    aws = Aws(f"http://127.0.0.1:{port}", _new_key_id(), secrets.token_urlsafe(30))
    program = programs.start(
        "MiniStack",
        [str(PYTHON), "-I", "-c", BOOTSTRAP.format(root=str(ROOT))],
        environment={
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(temporary),
            "LANG": "C.UTF-8",
            "TMPDIR": str(temporary),
            "STATE_DIR": str(temporary / "ministack"),
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "SERVICES": SERVICES,
            "IOT_MTLS_ENABLED": "0",
            # Each role's policy is enforced: a missing permission fails here, not on AWS.
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": aws.access_key_id,
            "AWS_SECRET_ACCESS_KEY": aws.secret_access_key,
            **_no_real_account(),
        },
        mark=mark,
        cwd=temporary,
        log=state / "logs" / "ministack.log",
    )
    programs.wait_until(
        lambda: healthy(aws.url),
        program,
        seconds=60,
        advice="read its log; if another program took the port in the meantime, try again",
    )
    return program, aws


def clean_up(state: Path) -> None:
    """Removes the files that MiniStack wrote, once it has ended."""
    shutil.rmtree(state / "tmp", ignore_errors=True)


def healthy(url: str) -> bool:
    """Returns whether MiniStack responds there."""
    try:
        with urllib.request.urlopen(f"{url}/_ministack/health", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def architecture() -> str:
    """Returns this machine's processor, as Lambda calls it."""
    return "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"


def _new_key_id() -> str:
    return f"AKIA{base64.b32encode(secrets.token_bytes(10)).decode()}"


def _no_real_account() -> dict[str, str]:
    return {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
