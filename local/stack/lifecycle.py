"""A local stack from nothing to ready, and back to nothing.

Everything that is known of a running stack lies in its state directory: `stack.json` for those who
use it, `run.json` for those who stop it, and the logs.
"""

import json
import os
import shutil
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from local.stack import accounts, cloud, gateway, programs
from local.stack.deployment import Deployment, deploy
from local.stack.errors import StackError
from local.stack.progress import Progress
from local.stack.run import CREDENTIALS, Run, locked, owned, write

__all__ = [
    "FUNCTIONS",
    "Settings",
    "down",
    "is_running",
    "own_stack",
    "own_state",
    "read_stack",
    "renew_tokens",
    "up",
    "vendor_stopped",
]

#: Logical id of a function in the template, by its name everywhere else.
FUNCTIONS = {
    path.parent.name: path.parent.name.title().replace("_", "") + "Function"
    for path in sorted(cloud.ROOT.glob("functions/*/app.py"))
}

NOT_HERE = {
    "Platform": "give PLATFORM=vonage instead",
    "JwtIssuer": "its users sign in with the stack's own user pool",
    "JwtAudience": "its users sign in with the stack's own user pool",
}
"""Parameters that a local stack decides by itself, and what to do or to know instead."""

DEFAULT_STATE = cloud.ROOT / ".local"
VENDOR = "the vendor emulator"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a local stack is to be like. `parameters` are those of the template, and win."""

    state: Path = DEFAULT_STATE
    platform: str = "opentok"
    schedule: bool = True
    console: bool = True
    parameters: dict[str, str] = field(default_factory=dict)

    def template_parameters(self, vendor_address: str) -> dict[str, str]:
        return {
            "Platform": self.platform,
            "ApiUrl": vendor_address,
            "Architecture": cloud.architecture(),
            "ScheduleState": "ENABLED" if self.schedule else "DISABLED",
            **self.parameters,
        }


def up(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Start a stack, or find that it runs already; the content of its `stack.json`.

    Raises `StackError` when a part does not come up; whatever had been started is stopped then.
    """
    for name in NOT_HERE.keys() & settings.parameters.keys():
        raise StackError("the local stack", f"{name} cannot be set here", advice=NOT_HERE[name])
    with locked(settings.state):
        if is_running(settings.state):
            stack = renew_tokens(settings.state)
            if stack["platform"] != settings.platform:
                raise StackError(
                    "the local stack",
                    f"it runs already, for the platform {stack['platform']}",
                    advice="run `make down` first",
                )
            if settings.parameters not in ({}, stack.get("parameters")):
                raise StackError(
                    "the local stack",
                    "it runs already, with other parameters",
                    advice="run `make down` first",
                )
            progress.say("The local stack runs already (`make down` stops it).")
            return stack
        _clear(settings.state)
        shutil.rmtree(settings.state / "logs", ignore_errors=True)
        run = Run(settings.state)
        try:
            return _start(settings, run, progress)
        except BaseException:
            run.stop()
            raise


def down(state: Path, progress: Progress) -> None:
    """Stop everything that a stack started, also after a crash; harmless when nothing runs."""
    with locked(state):
        if Run.read(state) is None:
            progress.say("Nothing was running.")
            return
        with progress.step("stopped"):
            _clear(state)


@contextmanager
def own_stack(purpose: str, settings: Settings, progress: Progress) -> Iterator[dict[str, Any]]:
    """A stack for the body alone, beside any other; stopped at its end.

    Its state directory is `.local/<purpose>-<process id>` (the one in `settings` is not used). It
    stays, with the logs, when the body fails. What a killed predecessor left is stopped first.
    """
    _sweep(purpose, progress)
    state = own_state(purpose)
    with owned(state):
        try:
            yield up(replace(settings, state=state), progress)
        finally:
            down(state, progress)
        shutil.rmtree(state)


def own_state(purpose: str) -> Path:
    """The state directory of this process's own stack for that purpose."""
    return DEFAULT_STATE / f"{purpose}-{os.getpid()}"


@contextmanager
def vendor_stopped(state: Path) -> Iterator[None]:
    """The emulator does not run during the body. Afterwards it answers at its old address
    and knows its old sessions; its credentials are those that the stack was started with."""
    run = Run.read(state)
    if run is None:
        raise StackError("the local stack", "it does not run", advice="start it with `make up`")
    vendor = next(program for program in run.programs if program.name == VENDOR)
    programs.stop(vendor)
    run.programs.remove(vendor)
    try:
        yield
    finally:
        port = urllib.parse.urlsplit(read_stack(state)["opentokUrl"]).port
        assert port is not None  # noqa: S101 (it was chosen by `_start`)
        run.add(_start_vendor(state, run.mark, port)[0])


def is_running(state: Path) -> bool:
    """Whether a complete stack runs there and answers."""
    run = Run.read(state)
    if run is None or not (state / "stack.json").exists() or not run.programs:
        return False
    stack = read_stack(state)
    return (
        all(program.alive() for program in run.programs)
        and cloud.healthy(stack["awsEndpointUrl"])
        and _answers(f"{stack['opentokUrl']}/_emulator/health")
        and ("consoleUrl" not in stack or _answers(f"{stack['consoleUrl']}/console/stack"))
    )


def read_stack(state: Path) -> dict[str, Any]:
    """The content of `stack.json`. Raises `StackError` when no stack was started there."""
    try:
        stack: dict[str, Any] = json.loads((state / "stack.json").read_text())
    except FileNotFoundError:
        raise StackError(
            "the local stack", "it does not run", advice="start it with `make up`"
        ) from None
    return stack


def renew_tokens(state: Path) -> dict[str, Any]:
    """Sign the users in again (their tokens live for an hour), and write `stack.json` anew."""
    stack = read_stack(state)
    address, pool, client = (
        stack[member] for member in ("awsEndpointUrl", "userPoolId", "userPoolClientId")
    )
    for name, password in json.loads((state / "users.json").read_text()).items():
        user = accounts.sign_in(address, pool, client, name, password)
        stack["users"][name] = {"sub": user.sub, "token": user.token}
    write(state / "stack.json", stack)
    return stack


def _start(settings: Settings, run: Run, progress: Progress) -> dict[str, Any]:
    state = settings.state
    credentials = accounts.make_credentials()
    with progress.step("MiniStack, the local AWS"):
        program, address = cloud.start(state, run.mark)
        run.add(program)
    with progress.step("the vendor emulator"):
        write(state / CREDENTIALS, asdict(credentials))
        program, vendor = _start_vendor(state, run.mark, programs.free_port())
        run.add(program)
    parameters = settings.template_parameters(vendor)
    with progress.step("template.yaml, deployed"):
        deployment = deploy(address, parameters, DEFAULT_STATE / "cache")
    with progress.step("routes, credentials, users"):
        api = gateway.create_routes(address, deployment, parameters)
        outputs = deployment.outputs
        accounts.put_secret(address, outputs["SecretId"], credentials.of(settings.platform))
        group = parameters.get("ModeratorsGroupName", "moderators")
        passwords = accounts.create_users(address, outputs["UserPoolId"], group)
        write(state / "users.json", passwords)
        write(
            state / "stack.json",
            _description(settings, deployment, credentials, address, vendor, api),
        )
        stack = renew_tokens(state)
    if settings.console:
        with progress.step("the console page"):
            program, stack["consoleUrl"] = _start_console(state, run.mark)
            run.add(program)
            write(state / "stack.json", stack)
    return stack


def _description(
    settings: Settings,
    deployment: Deployment,
    credentials: accounts.Credentials,
    address: str,
    vendor: str,
    api: str,
) -> dict[str, Any]:
    return {
        "apiUrl": api,
        "opentokUrl": vendor,
        "vonageUrl": vendor,
        "awsEndpointUrl": address,
        "region": cloud.REGION,
        "platform": settings.platform,
        "parameters": settings.parameters,
        "table": deployment.outputs["TableName"],
        "secretId": deployment.outputs["SecretId"],
        "userPoolId": deployment.outputs["UserPoolId"],
        "userPoolClientId": deployment.outputs["UserPoolClientId"],
        "functions": {name: deployment.resources[logical] for name, logical in FUNCTIONS.items()},
        "credentials": asdict(credentials),
        "users": {},
    }


def _start_vendor(state: Path, mark: str, port: int) -> tuple[programs.Program, str]:
    """Start the emulator with the credentials in the state directory; the program and its
    address."""
    remembered = state / "tmp" / "vendor-sessions.jsonl"
    program = programs.start(
        VENDOR,
        [
            *(sys.executable, "-m", "local.emulator", "--port", str(port)),
            *("--credentials", str(state / CREDENTIALS), "--state", str(remembered)),
        ],
        environment={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"},
        mark=mark,
        cwd=cloud.ROOT,
        log=state / "logs" / "opentok.log",
    )
    address = f"http://127.0.0.1:{port}"
    programs.wait_until(lambda: _answers(f"{address}/_emulator/health"), program, seconds=30)
    return program, address


def _start_console(state: Path, mark: str) -> tuple[programs.Program, str]:
    """Start the console page for the stack in the state directory; the program and its address."""
    port = programs.free_port()
    program = programs.start(
        "the console page",
        [
            *(sys.executable, "-m", "local.console", "--port", str(port)),
            *("--stack", str(state / "stack.json")),
        ],
        environment={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"},
        mark=mark,
        cwd=cloud.ROOT,
        log=state / "logs" / "console.log",
    )
    address = f"http://127.0.0.1:{port}"
    programs.wait_until(lambda: _answers(f"{address}/console/stack"), program, seconds=60)
    return program, address


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _clear(state: Path) -> None:
    run = Run.read(state)
    if run is not None:
        run.stop()


def _sweep(purpose: str, progress: Progress) -> None:
    """Stop the stacks of that purpose whose owner is gone."""
    for state in DEFAULT_STATE.glob(f"{purpose}-*"):
        try:
            with owned(state, wait=False):
                if Run.read(state) is not None:
                    down(state, progress)
                shutil.rmtree(state)
        except BlockingIOError:
            continue  # its owner lives
