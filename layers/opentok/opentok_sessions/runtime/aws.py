"""Clients of AWS services, with timeouts that fit the functions' time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

# First, not deep inside botocore's imports: its large patterns compile slower far down the stack.
import urllib3  # noqa: F401  # isort: skip
from botocore.config import Config
from botocore.session import get_session

from ..domain.deadline import AWS_CONNECT_SECONDS, AWS_READ_SECONDS

if TYPE_CHECKING:
    from botocore.client import BaseClient

__all__ = ["client"]

_CONFIG = Config(
    connect_timeout=AWS_CONNECT_SECONDS,
    read_timeout=AWS_READ_SECONDS,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
    max_pool_connections=16,
    # Otherwise botocore composes a description of the machine twice per call: a fifth of its time.
    user_agent="opentok-sessions",
)
# botocore's session: boto3's would load S3 transfers and resources, a tenth of the cold start.
_AWS = get_session()
_CA_FILE = Path(__file__).parents[2] / "ca" / "aws.pem"


def client(service: str) -> BaseClient:
    """Returns a client of the service, such as `dynamodb`."""
    # Reading a handful of root certificates takes a millisecond, the full set twenty.
    verify = str(_CA_FILE) if _CA_FILE.is_file() else None
    return _AWS.create_client(service, config=_CONFIG, verify=verify)
