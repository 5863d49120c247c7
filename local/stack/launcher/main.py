"""Starts MiniStack with the guard in front of it."""

import os

from local.stack.launcher.archives import unpack_once
from local.stack.launcher.guard import Guard
from local.stack.launcher.roles import Roles
from local.stack.launcher.signing_keys import read_in_process
from local.stack.launcher.streams import consume_streams

__all__ = ["main"]


def main() -> None:
    """Serves until terminated. MiniStack reads its settings from the environment."""
    run_key = os.environ["AWS_ACCESS_KEY_ID"]
    roles = Roles(os.environ["AWS_SECRET_ACCESS_KEY"])
    roles.install()  # before MiniStack's Lambda service is imported, which copies the function

    from ministack import app
    from ministack.core import lambda_runtime
    from ministack.services import apigateway, cognito, lambda_svc, sts

    port = int(os.environ["GATEWAY_PORT"])
    unpack_once(lambda_runtime)
    consume_streams(lambda_svc)
    read_in_process(apigateway, cognito, port)
    app.app = Guard(
        app.app,
        port=port,
        knows=lambda key: key == run_key or key in sts._sessions,
    )
    app.main()
