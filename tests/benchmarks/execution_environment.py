"""A Lambda execution environment: a runtime with a handler, against an emulated Runtime API.

The measuring thread itself serves the Runtime API, one request after the other, so that no time
contains a switch to another thread.
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
    "AWS_LAMBDA_FUNCTION_NAME": "benchmark",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/benchmark",
    "AWS_LAMBDA_LOG_STREAM_NAME": "benchmark",
    "LANG": "en_US.UTF-8",
    "TZ": ":UTC",
    "PATH": "/usr/bin:/bin",
    "_HANDLER": "app.handler",
}


class FunctionFailed(Exception):
    """The function did not start, or returned an unexpected response. Holds the function's log."""


@dataclass(frozen=True, slots=True)
class Function:
    """A handler to measure.

    `command` starts its runtime, and `folder` is what Lambda mounts as `/var/task`. A response
    with a status other than `status` fails the benchmark. With status 0 the function consumes a
    stream, and must report no failed item.
    """

    name: str
    folder: Path
    command: tuple[str, ...]
    event: Mapping[str, object]
    status: int
    environment: Mapping[str, str] = field(default_factory=dict)


class ExecutionEnvironment:
    """A fresh process for a function, terminated at the end of `with`. Times are milliseconds.

    `cpu` is the processor that the process is bound to, or None.
    """

    def __init__(self, function: Function, cpu: int | None = None) -> None:
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
        }
        started = time.perf_counter()
        self._process = subprocess.Popen(
            function.command,
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
        """Sends the function's event and returns the milliseconds until its response."""
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
        response = self._expect("/response")
        took = (time.perf_counter() - started) * 1000
        self._send(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        self._expect("/next")
        if not self._is_expected(json.loads(response)):
            raise FunctionFailed(f"{self._function.name}: {response.decode()}\n{self.log()}")
        return took

    def _is_expected(self, response: dict[str, object]) -> bool:
        if self._function.status == 0:
            return response == {"batchItemFailures": []}
        return response.get("statusCode") == self._function.status

    def processor_ms(self) -> float:
        """Returns the processor time that the process and its threads have used so far."""
        # Linux encodes the clock of another process as its inverted id and 2 for scheduled time.
        return time.clock_gettime((~self._process.pid << 3) | 2) * 1000

    def peak_memory_mb(self) -> float:
        """Returns the peak resident memory of the process, in MB of a million bytes."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise FunctionFailed(f"{self._function.name}: the system does not report peak memory")

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
        """Returns the body of the runtime's next request, whose path must end with `path`."""
        try:
            actual, body = self._request()
        except OSError as error:
            raise FunctionFailed(f"{self._function.name}: {error}\n{self.log()}") from error
        if not actual.endswith(path):
            raise FunctionFailed(f"{self._function.name}: {actual}: {body.decode()}\n{self.log()}")
        return body

    def _accept(self) -> socket.socket:
        deadline = time.monotonic() + INVOKE_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(TimeoutError):
                return self._listener.accept()[0]
        raise OSError("the process ended or never called the Runtime API")

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
