"""botocore's pruned data says the same as the full package's, for the services that are used.

The endpoints are compared for the first and the last Region of each partition; with `SOAK=1` for
all Regions.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import botocore
import pytest

import build_layer
from tests.unit.layer.builds import Built

FULL = Path(botocore.__file__).parent.parent
SOAK = os.environ.get("SOAK") == "1"

#: Runs where either botocore is the only one, and prints what it makes of every combination.
ENDPOINTS = """
import json, os, sys
from urllib.parse import parse_qs, urlsplit
import botocore, botocore.session
from botocore.config import Config

assert botocore.__file__.startswith(sys.argv[1]), botocore.__file__
calls = {
    "dynamodb": "list_tables",
    "events": "list_rules",
    "secretsmanager": "list_secrets",
    "sts": "get_caller_identity",
}
if "AWS_ACCOUNT_ID" in os.environ:  # only DynamoDB has endpoints per account
    calls = {"dynamodb": calls["dynamodb"]}
session = botocore.session.get_session()
found = {}
for service, call in calls.items():
    regions = {"aws-global", "eu-somewhere-9", "eu-west-1", "us-east-1"}
    for partition in session.get_available_partitions():
        known = session.get_available_regions(service, partition, allow_non_regional=True)
        regions.update(known if "SOAK" in os.environ else {min(known), max(known)} if known else ())
    for region in sorted(regions):
        for dualstack in (False, True):
            for fips in (False, True):
                config = Config(use_dualstack_endpoint=dualstack, use_fips_endpoint=fips)
                try:
                    client = session.create_client(service, region, config=config)
                    url = urlsplit(client.generate_presigned_url(call))
                    scope = parse_qs(url.query)["X-Amz-Credential"][0].split("/", 2)[2]
                    result = [client.meta.endpoint_url, url.scheme, url.netloc, url.path, scope]
                except Exception as error:
                    result = [type(error).__name__]
                found[f"{service} {region} dualstack={dualstack} fips={fips}"] = result
print(json.dumps(found))
"""


def run(script: str, place: Path, environment: dict[str, str]) -> dict[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-S", "-c", script, str(place)],
        env={**environment, "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, list[str]] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("account_id", ["", "123456789012"], ids=["without", "with"])
def test_endpoints_are_those_of_the_full_package(built: Built, account_id: str) -> None:
    # With an account's id in the credentials, DynamoDB has an endpoint per account.
    environment = {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PATH": os.environ["PATH"],
    }
    if SOAK:
        environment["SOAK"] = "1"
    if account_id:
        environment["AWS_ACCOUNT_ID"] = account_id

    full = run(ENDPOINTS, FULL, environment)

    assert len(full) > (130 if account_id else 400) / (1 if SOAK else 4)
    assert "dynamodb.eu-west-1.amazonaws.com" in str(
        full["dynamodb eu-west-1 dualstack=False fips=False"]
    )
    assert run(ENDPOINTS, built.python, environment) == full


@pytest.mark.parametrize("service", build_layer.SERVICES)
def test_models_differ_in_their_prose_alone(built: Built, service: str) -> None:
    script = f"""
import json, botocore.loaders
loader = botocore.loaders.create_loader()
names = ("service-2", "endpoint-rule-set-1", "paginators-1")
print(json.dumps({{name: loader.load_service_model({service!r}, name) for name in names}}))
"""
    full = run(script, FULL, {})
    assert run(script, built.python, {}) == build_layer.without_documentation(full)


def test_no_other_service_is_there(built: Built) -> None:
    script = """
import json, botocore.session
print(json.dumps({"services": botocore.session.get_session().get_available_services()}))
"""
    assert run(script, built.python, {}) == {"services": sorted(build_layer.SERVICES)}
