"""One Lambda container: the real `awslambdaric` with a handler, against a Runtime API of our own.

The Runtime API is served by the measuring thread itself, one request after the other, so that no
other thread's turn is part of a time.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import Self

INVOKE_SECONDS = 60.0
FUNCTION_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:benchmark"

#: What Lambda sets for every function.
LAMBDA_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "benchmark",
    "AWS_SESSION_TOKEN": "benchmark" * 40,  # about as long as a role's
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_LAMBDA_FUNCTION_NAME": "benchmark",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/benchmark",
    "AWS_LAMBDA_LOG_STREAM_NAME": "benchmark",
    "LANG": "en_US.UTF-8",
    "TZ": ":UTC",
    "PATH": "/usr/bin:/bin",
    # /opt and /var/task are read-only on Lambda: nothing that is compiled there is kept.
    "PYTHONDONTWRITEBYTECODE": "1",
}


class FunctionFailed(Exception):
    """The function did not start, or its answer is not the expected one; with its log."""


@dataclass(frozen=True, slots=True)
class Function:
    """A handler to be measured: `folder/app.py`, found before `layers` as on Lambda."""

    name: str
    folder: Path
    layers: tuple[Path, ...]
    event: Mapping[str, object]
    status: int
    environment: Mapping[str, str] = field(default_factory=dict)


class Container:
    """A fresh process for a function; `with` ends it. Times are in milliseconds.

    `cpu`: the processor that it is bound to, or None.
    """

    def __init__(self, python: Path, function: Function, cpu: int | None = None) -> None:
        self._function = function
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(1)
        self._connection: socket.socket | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        self._invocation = 0
        environment = {
            **LAMBDA_ENVIRONMENT,
            **function.environment,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._listener.getsockname()[1]}",
            "LAMBDA_TASK_ROOT": str(function.folder),
            "_HANDLER": "app.handler",
            "PYTHONPATH": os.pathsep.join(map(str, (function.folder, *function.layers))),
        }
        command = [str(python), "-S", "-m", "awslambdaric", "app.handler"]
        started = time.perf_counter()
        self._process = subprocess.Popen(
            command,
            env=environment,
            cwd=function.folder,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        if cpu is not None:
            os.sched_setaffinity(self._process.pid, {cpu})
        try:
            self._expect("/next")
        except BaseException:
            self.close()
            raise
        self.init_ms = (time.perf_counter() - started) * 1000

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def invoke(self) -> float:
        """Send the function's event and wait for its answer; how long that took."""
        self._invocation += 1
        event = json.dumps(self._function.event).encode()
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(event)}\r\n"
            f"Lambda-Runtime-Aws-Request-Id: 00000000-0000-4000-8000-{self._invocation:012}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {int(time.time() * 1000) + 30_000}\r\n"
            f"Lambda-Runtime-Invoked-Function-Arn: {FUNCTION_ARN}\r\n"
            "Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0\r\n\r\n"
        )
        started = time.perf_counter()
        self._send(head.encode() + event)
        answer = self._expect("/response")
        took = (time.perf_counter() - started) * 1000
        self._send(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        self._expect("/next")
        if json.loads(answer).get("statusCode") != self._function.status:
            raise FunctionFailed(f"{self._function.name}: {answer.decode()}\n{self.log()}")
        return took

    def processor_ms(self) -> float:
        """The processor time that the process has used so far, its threads included."""
        # The clock of another process (Linux): its id, inverted, and 2 for scheduled time.
        return time.clock_gettime((~self._process.pid << 3) | 2) * 1000

    def peak_memory_mb(self) -> float:
        """The most memory that the process has held (resident), in MB of a million bytes."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise FunctionFailed(f"{self._function.name}: the system does not tell its memory")

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._connection:
            self._connection.close()
        self._listener.close()
        self._log.close()

    def _send(self, data: bytes) -> None:
        assert self._connection
        self._connection.sendall(data)

    def _expect(self, path: str) -> bytes:
        """The body of the next request of the runtime, which must end with this path."""
        try:
            asked, body = self._request()
        except OSError as error:
            raise FunctionFailed(f"{self._function.name}: {error}\n{self.log()}") from error
        if not asked.endswith(path):
            raise FunctionFailed(f"{self._function.name}: {asked}: {body.decode()}\n{self.log()}")
        return body

    def _accept(self) -> socket.socket:
        deadline = time.monotonic() + INVOKE_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(TimeoutError):
                return self._listener.accept()[0]
        raise OSError("it ended, or does not answer")

    def _request(self) -> tuple[str, bytes]:
        while True:
            if self._connection is None:
                self._connection = self._accept()
                self._connection.settimeout(INVOKE_SECONDS)
                self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._stream: BufferedReader = self._connection.makefile("rb")
            if first := self._stream.readline():
                break
            self._stream.close()
            self._connection.close()
            self._connection = None
        length = 0
        while (line := self._stream.readline()) != b"\r\n":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return first.decode().split()[1], self._stream.read(length)
