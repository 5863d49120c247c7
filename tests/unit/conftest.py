"""What every unit test may use. No unit test opens a socket beyond this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.aws import ENVIRONMENT, Aws, aws_in_memory

# Powertools reads its settings when it is imported, which is before any fixture.
os.environ.update({k: v for k, v in ENVIRONMENT.items() if k.startswith("POWERTOOLS_")})


@pytest.fixture
def aws() -> Iterator[Aws]:
    """An AWS account in memory: the template's table, the secret, the functions' environment."""
    with aws_in_memory() as account:
        yield account
