"""Lints what CloudFormation gets: the template after SAM's transform, for several deployments.

Run by `make check`, without a network: the translator and cfn-lint bring their own rules.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from samtranslator.translator.transform import transform

from local.stack.bundle import read_template

__all__ = ["DEPLOYMENTS", "lint", "processed", "templates"]

ROOT = Path(__file__).parents[1]
REGIONS = ("us-east-1", "eu-central-1", "ap-southeast-2")

#: What `sam package` writes in place of a local path.
UPLOADED = {
    "CodeUri": "s3://bucket/key",
    "ContentUri": "s3://bucket/key",
    "TemplateURL": "https://bucket.s3.us-east-1.amazonaws.com/key",
}

#: Parameters of each deployment that is linted.
DEPLOYMENTS: dict[str, dict[str, str]] = {
    "default": {},
    "vonage": {"Platform": "vonage"},
    "own-issuer": {"JwtIssuer": "https://issuer.example", "JwtAudience": "web,ios"},
    "browser": {"AllowedOrigins": "https://app.example,https://admin.example"},
    "event-bus": {"EventBusName": "default"},
    "other-values": {
        "SelfSignUp": "true",
        "DeletionProtection": "false",
        "TableKeyId": "alias/aws/dynamodb",
        "ReservedConcurrency": "5",
        "RefillConcurrency": "1",
        "CallbackConcurrency": "20",
        "ScheduleState": "DISABLED",
        "Pools": "[]",
    },
}


def processed(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Returns template.yaml after SAM's transform, with these values as the parameters' defaults.

    Raises `KeyError` for a parameter that the template does not have.
    """
    template = read_template(ROOT / "template.yaml")
    for name, value in parameters.items():
        template["Parameters"][name]["Default"] = value
    for resource in template["Resources"].values():
        for field, uploaded in UPLOADED.items():
            if field in resource.get("Properties", {}):
                resource["Properties"][field] = uploaded
    # The translator logs that its usage metrics were not sent.
    logging.getLogger("samtranslator.metrics").setLevel(logging.ERROR)
    # SAM takes the partition and CORS defaults from the region.
    os.environ.setdefault("AWS_DEFAULT_REGION", REGIONS[0])
    result: dict[str, Any] = transform(template, {}, SimpleNamespace(load=dict))
    return result


def templates() -> dict[str, dict[str, Any]]:
    """Returns the template of each deployment, and the nested one."""
    found = {name: processed(parameters) for name, parameters in DEPLOYMENTS.items()}
    return found | {"monitoring": read_template(ROOT / "monitoring.yaml")}


def lint(found: Mapping[str, Mapping[str, Any]]) -> int:
    """Runs cfn-lint on the templates and returns its exit status; findings go to stdout."""
    with tempfile.TemporaryDirectory() as directory:
        files = [Path(directory) / f"{name}.json" for name in found]
        for file, template in zip(files, found.values(), strict=True):
            file.write_text(json.dumps(template, indent=1))
        command = [str(Path(sys.executable).with_name("cfn-lint")), "--format", "parseable"]
        done = subprocess.run([*command, "--regions", *REGIONS, "--", *files], check=False)
    return done.returncode


if __name__ == "__main__":
    sys.exit(lint(templates()))
