"""``python -m local.emulator``: serves the emulator on loopback ports of this machine."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from aiohttp import web

from local.emulator.app import application
from local.emulator.control_status import ARCHIVE_FILES
from local.emulator.options import Unrecorded
from local.emulator.projects import generated_credentials
from local.emulator.state import EmulatorState

LOOPBACK = "127.0.0.1"
SHUTDOWN_SECONDS = 0.5


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.emulator",
        description="An emulator of the OpenTok and Vonage Video services, on this machine "
        "only. When it is ready it prints one line of JSON with its addresses.",
        epilog="What is faithful and what is not: see docs/fidelity.md",
    )
    parser.add_argument(
        "--port", type=int, default=0, help="port to listen on (default: a free one)"
    )
    parser.add_argument(
        "--vonage-port",
        type=int,
        help="serve the Vonage host on this port, and only OpenTok's on --port; without "
        "it, --port serves both and the credentials of a call decide",
    )
    parser.add_argument(
        "--credentials",
        type=Path,
        help='JSON file {"opentok": {"apiKey", "apiSecret"}, "vonage": {"applicationId", '
        '"privateKey"}}; without it they are generated and printed',
    )
    parser.add_argument("--state", type=Path, help="file that keeps sessions and archives")
    parser.add_argument(
        "--strict-jwt-life",
        action="store_true",
        help="reject REST tokens that live longer than the documented five minutes",
    )
    parser.add_argument(
        "--unrecorded",
        type=Unrecorded,
        choices=list(Unrecorded),
        default=Unrecorded.REFUSE,
        help="what to do with options that the documentation rules out, but whose "
        "rejection has not been recorded (default: refuse)",
    )
    return parser.parse_args()


async def _serve(state: EmulatorState, port: int, vonage_port: int | None, ready: object) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    runner = web.AppRunner(application(state), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, port).start()
        if vonage_port is not None:
            await web.TCPSite(runner, LOOPBACK, vonage_port).start()
            state.vonage_port = runner.addresses[1][1]
        urls = [f"http://{LOOPBACK}:{address[1]}" for address in runner.addresses]
        state.archives.public_url = f"{urls[0]}{ARCHIVE_FILES}"
        addresses = {"opentokUrl": urls[0], "vonageUrl": urls[-1]}
        print(json.dumps(addresses | {"credentials": ready} if ready else addresses), flush=True)
        await stopped.wait()
    finally:
        await runner.cleanup()
        await state.close()


def main() -> None:
    """Serves until interrupted."""
    arguments = _arguments()
    generated = None if arguments.credentials else generated_credentials()
    try:
        credentials: object = generated or json.loads(arguments.credentials.read_text("utf-8"))
        state = EmulatorState(
            credentials,
            state_file=arguments.state,
            strict_jwt_life=arguments.strict_jwt_life,
            unrecorded=arguments.unrecorded,
        )
        asyncio.run(_serve(state, arguments.port, arguments.vonage_port, generated))
    except (OSError, ValueError) as error:
        sys.exit(f"cannot start: {error}")


if __name__ == "__main__":
    main()
