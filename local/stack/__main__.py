"""The commands of the local stack; `make` has a target for each."""

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from local.stack import cloud, demo, lifecycle
from local.stack.errors import StackError
from local.stack.invoke import invoke
from local.stack.progress import Progress


def main() -> int:
    arguments = _parser().parse_args()
    cloud.isolate()
    # Like Ctrl-C: the parts that were started are stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    progress = Progress()
    try:
        return _run(arguments, progress)
    except StackError as error:
        print(error.report(), file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
    return 1


def _run(arguments: argparse.Namespace, progress: Progress) -> int:
    state: Path = arguments.state.absolute()
    settings = lifecycle.Settings(
        state=state,
        platform=arguments.platform,
        schedule=arguments.schedule,
        parameters=dict(arguments.parameter),
    )
    if arguments.command == "up":
        stack = lifecycle.up(settings, progress)
        progress.say(
            f"\nThe API: {stack['apiUrl']}"
            f"\nThe console page: {stack['consoleUrl']}"
            f"\nAll addresses and credentials: {state / 'stack.json'}"
        )
    elif arguments.command == "down":
        lifecycle.down(state, progress)
    elif arguments.command == "status":
        running = lifecycle.is_running(state)
        progress.say(
            "The local stack is running." if running else "The local stack is not running."
        )
        return 0 if running else 3
    elif arguments.command == "serve":
        _serve(settings, progress)
    elif arguments.command == "tokens":
        for name, user in lifecycle.renew_tokens(state)["users"].items():
            progress.say(f"{name} {user['token']}")
    elif arguments.command == "invoke":
        return _invoke(lifecycle.read_stack(state), arguments, progress)
    else:
        responses = demo.run(arguments.platform, progress)
        progress.say()
        progress.say(json.dumps(responses))
    return 0


def _serve(settings: lifecycle.Settings, progress: Progress) -> None:
    """Runs the stack until Ctrl-C and prints what is needed to call it."""
    stack = lifecycle.up(settings, progress)
    try:
        progress.say(_introduction(stack))
        signal.pause()
    except KeyboardInterrupt:
        progress.say()
    finally:
        lifecycle.down(settings.state, progress)


def _introduction(stack: dict[str, Any]) -> str:
    return f"""
The console     {stack["consoleUrl"]}
the API         {stack["apiUrl"]}
the vendor      {stack["opentokUrl"]}
AWS             {stack["awsEndpointUrl"]}

Use the console's address as the server of the vendor's sample apps.

API='{stack["apiUrl"]}'
JWT='{stack["users"]["alice"]["token"]}'

# a session, and a token with it
curl -s "$API/sessions" -H "Authorization: Bearer $JWT" \\
    -H 'Content-Type: application/json' -d '{{"mediaMode": "routed", "token": {{}}}}'
# alice's sessions
curl -s "$API/sessions" -H "Authorization: Bearer $JWT"

The JWT is alice's and valid for an hour. `make tokens` prints new ones.
Ctrl-C stops everything."""


def _invoke(stack: dict[str, Any], arguments: argparse.Namespace, progress: Progress) -> int:
    event = _event(arguments.event)
    result, log, crashed = invoke(stack, arguments.function, event)
    print(log, file=sys.stderr)
    progress.say(json.dumps(result, indent=2))
    return 1 if crashed else 0


def _event(file: Path) -> object:
    try:
        return json.loads(file.read_text())
    except OSError as error:
        advice = "see events/README.md for the available events"
        raise StackError("invoke", f"{file}: {error.strerror}", advice=advice) from None
    except ValueError as error:
        raise StackError("invoke", f"{file} is not JSON: {error}") from None


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.stack", description=__doc__)
    parser.add_argument(
        "--state",
        type=Path,
        default=lifecycle.DEFAULT_STATE,
        help="directory for the state of the stack (default: .local)",
    )
    parser.add_argument(
        "--platform",
        choices=("opentok", "vonage"),
        default=os.environ.get("PLATFORM") or "opentok",
        help="the vendor's platform to deploy for (default: $PLATFORM, else opentok)",
    )
    parser.add_argument(
        "--no-schedule",
        dest="schedule",
        action="store_false",
        help="deploy with the schedule disabled",
    )
    parser.add_argument(
        "--parameter",
        action="append",
        type=_parameter,
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of template.yaml",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start in the background")
    commands.add_parser("down", help="stop, even after a crash")
    commands.add_parser("status", help="report whether it is running (exit status 3: it is not)")
    commands.add_parser("serve", help="start in the foreground")
    commands.add_parser("demo", help="one end-to-end walkthrough, on a stack of its own")
    commands.add_parser("tokens", help="sign the users in again, and print their tokens")
    one = commands.add_parser("invoke", help="run one function with an event")
    one.add_argument("function")
    one.add_argument("event", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
