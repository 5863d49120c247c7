"""`make verify STACK=name`: an acceptance run against a deployed stack."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local.stack.errors import StackError
from local.verify import (
    behaviour,
    callbacks,
    configuration,
    live,
    permissions,
    records,
    report,
    vendor,
)
from local.verify.outcome import Check, Outcome, perform
from local.verify.run import started
from local.verify.target import Target, deployed, local_stack

#: In the order of the report; closing a session comes after the checks that need it open.
CHECKS: tuple[Check, ...] = (
    *configuration.CHECKS,
    *permissions.CHECKS,
    *behaviour.CHECKS,
    *callbacks.CHECKS,
    *live.CHECKS,
    *vendor.CHECKS,
    *behaviour.ENDING,
    *records.CHECKS,
)


def verify(target: Target, checks: Sequence[Check] = CHECKS) -> list[Outcome]:
    """Performs the checks, with a line of output for each."""
    outcomes = []
    with started(target) as run:
        for outcome in perform(checks, run):
            report.line(outcome, sys.stdout)
            outcomes.append(outcome)
    return outcomes


def main() -> int:
    arguments = _arguments()
    try:
        if arguments.local is not None:
            target = local_stack(arguments.local.absolute())
        else:
            target = deployed(arguments.stack, profile=arguments.profile, region=arguments.region)
        outcomes = verify(target)
    except (BotoCoreError, ClientError, StackError) as error:
        print(f"verify: {error}", file=sys.stderr)
        return 2
    return 0 if report.summary(target.name, outcomes, sys.stdout) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.verify", description=__doc__)
    parser.add_argument("stack", nargs="?", default="opentok-sessions", help="name of the stack")
    parser.add_argument("--region", help="default: that of your AWS configuration")
    parser.add_argument("--profile", default=os.environ.get("AWS_PROFILE"))
    parser.add_argument(
        "--local",
        type=Path,
        metavar="STATE",
        help="verify the running local stack with this state directory, such as .local",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
