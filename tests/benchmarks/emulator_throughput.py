"""Sessions per second of the emulator: it must not limit other benchmarks.

    python -m tests.benchmarks.emulator_throughput [--rate 200] [--seconds 30] [--platform opentok]

Calls are sent at fixed moments, regardless of earlier responses, over kept-alive
connections. The last line of the output is one JSON object; the exit status is 1 when a call
failed or the rate was not reached.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles

import aiohttp
import jwt

from tests.emulator import Emulator, running

CONNECTIONS = 64
REACHED = 0.98
"""Required share of the rate; the last calls end a little after the time is up."""
LIFE_SECONDS = 300


def _headers(emulator: Emulator, platform: str) -> dict[str, str]:
    """Returns authentication headers, signed once: the client is not measured."""
    now = int(time.time())
    claims: dict[str, object] = {"iat": now, "exp": now + LIFE_SECONDS}
    if platform == "opentok":
        token = jwt.encode(
            claims | {"iss": emulator.api_key, "ist": "project"}, emulator.api_secret
        )
        return {"X-OPENTOK-AUTH": token, "Accept": "application/json"}
    claims["application_id"] = emulator.application_id
    token = jwt.encode(claims, emulator.private_key, algorithm="RS256")
    return {"Authorization": f"Bearer {token}", "Accept": "application/json"}


async def _load(
    emulator: Emulator, rate: int, seconds: int, platform: str
) -> tuple[list[float], list[str], float]:
    """Returns the milliseconds of each successful call, the errors of the others, and the total
    time."""
    took: list[float] = []
    wrong: list[str] = []
    headers = _headers(emulator, platform)

    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS),
        timeout=aiohttp.ClientTimeout(total=seconds + 30),
    ) as session:

        async def create() -> None:
            started = time.perf_counter()
            try:
                async with session.post(
                    f"{emulator.url}/session/create",
                    data={"p2p.preference": "disabled", "archiveMode": "manual"},
                    headers=headers,
                ) as response:
                    made = json.loads(await response.read())
                    if response.status != 200 or not made[0]["session_id"]:
                        wrong.append(f"status {response.status}")
                        return
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                wrong.append(type(error).__name__)
                return
            took.append((time.perf_counter() - started) * 1000)

        started = time.perf_counter()
        async with asyncio.TaskGroup() as calls:
            for number in range(rate * seconds):
                await asyncio.sleep(started + number / rate - time.perf_counter())
                calls.create_task(create())
        return took, wrong, time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rate", type=int, default=200, help="calls a second")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--platform", choices=["opentok", "vonage"], default="opentok")
    arguments = parser.parse_args()
    if arguments.seconds > LIFE_SECONDS:
        parser.error(f"--seconds may be {LIFE_SECONDS} at most")

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory)
        with running(path, "--state", str(path / "state.jsonl")) as emulator:
            took, wrong, seconds = asyncio.run(
                _load(emulator, arguments.rate, arguments.seconds, arguments.platform)
            )
            known = emulator.control("GET", "sessions?limit=1").json()["total"]
    cuts = quantiles(took, n=100) if len(took) > 1 else [0.0] * 99
    result = {
        "created": len(took),
        "errors": len(wrong),
        "reasons": sorted(set(wrong)),
        "perSecond": round(len(took) / seconds, 1),
        "p50Ms": round(cuts[49], 2),
        "p99Ms": round(cuts[98], 2),
    }
    print(json.dumps(result))
    reached = result["created"] >= REACHED * arguments.rate * seconds
    sys.exit(0 if reached and not wrong and known == len(took) else 1)


if __name__ == "__main__":
    main()
