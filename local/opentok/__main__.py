"""``python -m local.opentok``: the stand-in on loopback ports of this machine."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from aiohttp import web

from local.opentok.app import application
from local.opentok.options import Unrecorded
from local.opentok.projects import made_up_credentials
from local.opentok.stand_in import StandIn

LOOPBACK = "127.0.0.1"
SHUTDOWN_SECONDS = 0.5


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.opentok",
        description="A stand-in for the OpenTok and Vonage Video REST services, on this machine "
        "only. When it is ready it prints one line of JSON with its addresses.",
        epilog="What is faithful and what is not: docs/fidelity.md",
    )
    parser.add_argument("--port", type=int, default=0, help="0 (default): a free one")
    parser.add_argument(
        "--vonage-port",
        type=int,
        help="play the Vonage host on a port of its own, and only OpenTok's on --port; "
        "without it --port plays both and the credentials of a call decide",
    )
    parser.add_argument(
        "--credentials",
        type=Path,
        help='JSON file {"opentok": {"apiKey", "apiSecret"}, "vonage": {"applicationId", '
        '"privateKey"}}; without it they are made up and printed',
    )
    parser.add_argument("--state", type=Path, help="file that keeps sessions and archives")
    parser.add_argument(
        "--strict-jwt-life",
        action="store_true",
        help="refuse REST tokens that live longer than the announced five minutes",
    )
    parser.add_argument(
        "--unrecorded",
        type=Unrecorded,
        choices=list(Unrecorded),
        default=Unrecorded.REFUSE,
        help="what to do with options that the documentation rules out, but whose refusal "
        "nobody has recorded (default: refuse)",
    )
    return parser.parse_args()


async def _serve(stand_in: StandIn, port: int, vonage_port: int | None, ready: object) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    runner = web.AppRunner(
        application(stand_in), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, port).start()
        if vonage_port is not None:
            await web.TCPSite(runner, LOOPBACK, vonage_port).start()
            stand_in.vonage_port = runner.addresses[1][1]
        urls = [f"http://{LOOPBACK}:{address[1]}" for address in runner.addresses]
        addresses = {"opentokUrl": urls[0], "vonageUrl": urls[-1]}
        print(json.dumps(addresses | {"credentials": ready} if ready else addresses), flush=True)
        await stopped.wait()
    finally:
        await runner.cleanup()
        stand_in.sessions.close()


def main() -> None:
    """Serve until interrupted."""
    arguments = _arguments()
    made_up = None if arguments.credentials else made_up_credentials()
    try:
        credentials: object = made_up or json.loads(arguments.credentials.read_text("utf-8"))
        stand_in = StandIn.new(
            credentials,
            state=arguments.state,
            strict_jwt_life=arguments.strict_jwt_life,
            unrecorded=arguments.unrecorded,
        )
        asyncio.run(_serve(stand_in, arguments.port, arguments.vonage_port, made_up))
    except (OSError, ValueError) as error:
        sys.exit(f"cannot start: {error}")


if __name__ == "__main__":
    main()
