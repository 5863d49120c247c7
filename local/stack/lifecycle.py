"""Starts and stops a local stack.

The state directory of a running stack contains `stack.json` for the programs that use it,
`run.json` for stopping it, and the logs.
"""

import json
import os
import shutil
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from local.stack import accounts, cloud, components, gateway, programs
from local.stack.bundle import read_template
from local.stack.deployment import Deployment, deploy
from local.stack.errors import StackError
from local.stack.progress import Progress
from local.stack.run import CREDENTIALS, DEFAULT_STATE, Run, locked, owned, write
from local.stack.settings import Settings

__all__ = [
    "DEFAULT_STATE",
    "Settings",
    "down",
    "emulator_stopped",
    "is_running",
    "own_stack",
    "own_state",
    "read_stack",
    "renew_tokens",
    "up",
]

SWEEPING = DEFAULT_STATE / "sweeping"


def up(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Starts a stack unless it is already running; returns the content of its `stack.json`.

    Raises `StackError` when a part does not start. The parts that were started are then stopped.
    """
    settings.check()
    with locked(settings.state):
        if is_running(settings.state):
            stack = renew_tokens(settings.state)
            _check_same(settings, stack)
            progress.say("The local stack is already running (`make down` stops it).")
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
    """Stops every process of a stack, even after a crash. Does nothing if there is none."""
    with locked(state):
        if Run.read(state) is None:
            progress.say("The local stack is not running.")
            return
        with progress.step("stopped"):
            _clear(state)


@contextmanager
def own_stack(purpose: str, settings: Settings, progress: Progress) -> Iterator[dict[str, Any]]:
    """Runs the body with a stack of its own, beside any other, and stops it at the end.

    Its state directory is `.local/<purpose>-<process id>` (the one in `settings` is not used). The
    directory stays, with the logs, when the body fails. Stacks that a killed process left behind
    are stopped first.
    """
    state = own_state(purpose)
    with ExitStack() as ownership:
        # No other process sweeps while this one has created its directory and not yet locked it.
        with locked(SWEEPING):
            _sweep(purpose, progress)
            ownership.enter_context(owned(state))
        try:
            yield up(replace(settings, state=state), progress)
        finally:
            down(state, progress)
        with locked(SWEEPING):
            shutil.rmtree(state)


def own_state(purpose: str) -> Path:
    """Returns the state directory of this process's own stack for that purpose."""
    return DEFAULT_STATE / f"{purpose}-{os.getpid()}"


@contextmanager
def emulator_stopped(state: Path) -> Iterator[None]:
    """Stops the emulator during the body.

    Afterwards it has its old address and sessions, and the credentials that the stack was started
    with.
    """
    run = Run.read(state)
    if run is None:
        raise _not_running()
    emulator = next(program for program in run.programs if program.name == components.EMULATOR)
    programs.stop(emulator)
    run.programs.remove(emulator)
    try:
        yield
    finally:
        stack = read_stack(state)
        port = urllib.parse.urlsplit(stack["opentokUrl"]).port or 0
        program, url = components.start_emulator(state, run.mark, port)
        run.add(program)
        if "callbackUrl" in stack:
            components.configure_callbacks(url, stack["callbackUrl"])


def is_running(state: Path) -> bool:
    """Returns whether a complete stack is running and every part responds."""
    run = Run.read(state)
    if run is None or not (state / "stack.json").exists() or not run.programs:
        return False
    stack = read_stack(state)
    console = stack.get("consoleUrl")
    return (
        all(program.alive() for program in run.programs)
        and cloud.healthy(stack["awsEndpointUrl"])
        and components.responds(f"{stack['opentokUrl']}/_emulator/health")
        and (console is None or components.responds(f"{console}/console/stack"))
    )


def read_stack(state: Path) -> dict[str, Any]:
    """Returns the content of `stack.json`. Raises `StackError` when no stack is running there."""
    try:
        stack: dict[str, Any] = json.loads((state / "stack.json").read_text())
    except FileNotFoundError:
        raise _not_running() from None
    return stack


def renew_tokens(state: Path) -> dict[str, Any]:
    """Signs the users in again and updates `stack.json`. Tokens are valid for an hour."""
    stack = read_stack(state)
    aws = cloud.Aws.of(stack)
    for name, password in json.loads((state / "users.json").read_text()).items():
        user = accounts.sign_in(aws, stack["userPoolId"], stack["userPoolClientId"], name, password)
        stack["users"][name] = {"sub": user.sub, "token": user.token}
    write(state / "stack.json", stack)
    return stack


def _start(settings: Settings, run: Run, progress: Progress) -> dict[str, Any]:
    state = settings.state
    credentials = accounts.make_credentials()
    with progress.step("MiniStack, the local AWS"):
        program, aws = cloud.start(state, run.mark)
        run.add(program)
    with progress.step(components.EMULATOR):
        write(state / CREDENTIALS, asdict(credentials))
        program, emulator = components.start_emulator(state, run.mark, programs.free_port())
        run.add(program)
    declared = read_template(cloud.ROOT / "template.yaml")["Parameters"]
    parameters = settings.template_parameters(emulator, declared)
    with progress.step("deployment of template.yaml"):
        deployment = deploy(aws, parameters, DEFAULT_STATE / "cache")
    with progress.step("routes, credentials, users"):
        gateway.create_routes(aws, deployment, parameters)
        outputs = deployment.outputs
        accounts.put_secret(aws, outputs["SecretId"], credentials.of(settings.platform))
        group = parameters.get("ModeratorsGroupName", "moderators")
        passwords = accounts.create_users(aws, outputs["UserPoolId"], group)
        write(state / "users.json", passwords)
        stack = _description(settings, deployment, credentials, aws, emulator)
        write(state / "stack.json", stack)
        if "callbackUrl" in stack:
            components.configure_callbacks(emulator, stack["callbackUrl"])
        stack = renew_tokens(state)
    if settings.console:
        with progress.step("the console page"):
            program, stack["consoleUrl"] = components.start_console(state, run.mark)
            run.add(program)
            write(state / "stack.json", stack)
    return stack


def _description(
    settings: Settings,
    deployment: Deployment,
    credentials: accounts.Credentials,
    aws: cloud.Aws,
    emulator: str,
) -> dict[str, Any]:
    outputs = deployment.outputs
    callbacks = (
        {"callbackUrl": gateway.local_url(aws, outputs["CallbackUrl"])}
        if "CallbackUrl" in outputs
        else {}
    )
    return {
        "apiUrl": gateway.local_url(aws, outputs["ApiUrl"]),
        **callbacks,
        "opentokUrl": emulator,
        "vonageUrl": emulator,
        "awsEndpointUrl": aws.url,
        "awsAccessKeyId": aws.access_key_id,
        "awsSecretAccessKey": aws.secret_access_key,
        "region": cloud.REGION,
        "platform": settings.platform,
        "parameters": settings.parameters,
        "table": outputs["TableName"],
        "secretId": outputs["SecretId"],
        "userPoolId": outputs["UserPoolId"],
        "userPoolClientId": outputs["UserPoolClientId"],
        "functions": deployment.functions,
        "credentials": asdict(credentials),
        "users": {},
    }


def _check_same(settings: Settings, stack: dict[str, Any]) -> None:
    """Raises `StackError` if the running stack was started with other settings."""
    if stack["platform"] != settings.platform:
        reason = f"already running, for the platform {stack['platform']}"
    elif settings.parameters not in ({}, stack.get("parameters")):
        reason = "already running, with other parameters"
    else:
        return
    raise StackError("the local stack", reason, advice="run `make down` first")


def _not_running() -> StackError:
    return StackError("the local stack", "not running", advice="start it with `make up`")


def _clear(state: Path) -> None:
    run = Run.read(state)
    if run is not None:
        run.stop()


def _sweep(purpose: str, progress: Progress) -> None:
    """Stops the stacks of that purpose whose owner has ended."""
    for state in DEFAULT_STATE.glob(f"{purpose}-*"):
        try:
            with owned(state, wait=False):
                if Run.read(state) is not None:
                    down(state, progress)
                shutil.rmtree(state)
        except BlockingIOError:
            continue  # its owner is running
