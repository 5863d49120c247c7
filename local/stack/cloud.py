"""MiniStack, the local AWS: how it is started, and clients for it.

It runs in an environment of its own with nothing of ours in it. The functions run on that same
interpreter, so whatever the layer lacks is missing here, too.
"""

import os
import platform
import shutil
import urllib.request
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local.stack import programs
from local.stack.errors import StackError

__all__ = ["REGION", "clean_up", "client", "healthy", "isolate", "start"]

REGION = "us-east-1"

#: What the template uses, and what a deployment needs.
SERVICES = (
    "apigateway,cloudformation,cognito-idp,dynamodb,iam,lambda,logs,monitoring,s3,scheduler,"
    "secretsmanager,sns,sqs,sts"
)

_IN_MEMORY = Path("/dev/shm")  # noqa: S108 (under a name that nobody can guess)
_ROOM_BYTES = 3 * 2**30

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-ministack" / "bin" / "python"

#: Accepted as the account's administrator; worth nothing anywhere else.
_ADMINISTRATOR = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


def isolate() -> None:
    """Keep this process away from the AWS accounts of whoever runs it."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        os.environ.pop(name, None)
    os.environ.update(_no_real_account())


def start(state: Path, mark: str) -> tuple[programs.Program, str]:
    """Start MiniStack on a free port and wait until it answers; the program and its address.

    Raises `StackError` when it does not come up.
    """
    if not PYTHON.exists():
        raise StackError("MiniStack", f"{PYTHON} does not exist", advice="run `make setup`")
    temporary = state / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    unpacked = _unpacked(state, mark)
    unpacked.mkdir(mode=0o700)
    port = programs.free_port()
    program = programs.start(
        "MiniStack",
        [str(PYTHON), "-I", "-m", "ministack"],
        environment={
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(temporary),
            "LANG": "C.UTF-8",
            "TMPDIR": str(unpacked),
            "STATE_DIR": str(temporary / "ministack"),
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "SERVICES": SERVICES,
            "IOT_MTLS_ENABLED": "0",
            # Each role's policy is enforced: a missing permission fails here, not on AWS.
            "AUTH": "true",
            **_no_real_account(),
        },
        mark=mark,
        cwd=temporary,
        log=state / "logs" / "ministack.log",
    )
    address = f"http://127.0.0.1:{port}"
    programs.wait_until(
        lambda: healthy(address),
        program,
        seconds=60,
        advice="read its log; if the port was taken in the meantime, just try again",
    )
    return program, address


def clean_up(state: Path, mark: str) -> None:
    """Remove what MiniStack has written, once it has ended."""
    for directory in (state / "tmp", _IN_MEMORY / _unpacked_name(mark)):
        shutil.rmtree(directory, ignore_errors=True)


def _unpacked(state: Path, mark: str) -> Path:
    """Where functions and their layers are unpacked for every worker: in memory if there is room,
    as those are more than a thousand files each time."""
    try:
        roomy = shutil.disk_usage(_IN_MEMORY).free > _ROOM_BYTES
    except OSError:
        roomy = False
    return (_IN_MEMORY if roomy else state / "tmp") / _unpacked_name(mark)


def _unpacked_name(mark: str) -> str:
    return f"opentok-sessions-{mark}"


def healthy(address: str) -> bool:
    """Whether MiniStack answers there."""
    try:
        with urllib.request.urlopen(f"{address}/_ministack/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def client(service: str, address: str) -> Any:
    """A boto3 client, as the account's administrator, for the MiniStack at that address."""
    session = boto3.session.Session(region_name=REGION, **_ADMINISTRATOR)
    config = Config(retries={"mode": "standard", "max_attempts": 3}, read_timeout=180)
    return session.client(service, endpoint_url=address, config=config)


def architecture() -> str:
    """This machine's processor, as Lambda calls it."""
    return "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"


def _no_real_account() -> dict[str, str]:
    return {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
