"""``python -m local.console``: the console page of a running stack, on a loopback port."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from aiohttp import web

from local.console.app import application
from local.console.stack_file import StackFile, UnusableStackFile
from local.stack.cloud import isolate

LOOPBACK = "127.0.0.1"
SHUTDOWN_SECONDS = 0.5


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.console",
        description="The console page of a running local stack, and GET /session and "
        "GET /room/{name} for the vendor's sample apps. Prints its address when it is ready.",
    )
    parser.add_argument(
        "--stack",
        type=Path,
        default=Path(".local/stack.json"),
        help="the file that `make up` wrote (default: .local/stack.json)",
    )
    parser.add_argument("--port", type=int, default=0, help="0 (default): a free port")
    return parser.parse_args()


async def _serve(stack: StackFile, port: int) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    app = await application(stack)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, port).start()
        print(f"http://{LOOPBACK}:{runner.addresses[0][1]}", flush=True)
        await stopped.wait()
    finally:
        await runner.cleanup()


def main() -> None:
    """Serves until interrupted."""
    arguments = _arguments()
    isolate()
    try:
        asyncio.run(_serve(StackFile.read(arguments.stack), arguments.port))
    except (UnusableStackFile, OSError) as error:
        sys.exit(f"The console cannot start: {error}")


if __name__ == "__main__":
    main()
