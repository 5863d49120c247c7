"""Calls one function of a running stack, as the Lambda console's test button does."""

import base64
import json
from typing import Any

from local.stack.cloud import Aws
from local.stack.errors import StackError

__all__ = ["invoke"]


def invoke(stack: dict[str, Any], function: str, event: object) -> tuple[Any, str, bool]:
    """Runs a function with an event.

    Returns its result, the end of its log, and whether it crashed. Raises `StackError` for a
    function that is not in the template.
    """
    names = stack["functions"]
    if function not in names:
        raise StackError("invoke", f"no function {function}", advice=f"one of {', '.join(names)}")
    response = (
        Aws.of(stack)
        .client("lambda")
        .invoke(
            FunctionName=names[function],
            Payload=json.dumps(event).encode(),
            LogType="Tail",
        )
    )
    log = base64.b64decode(response.get("LogResult", "")).decode(errors="replace")
    return json.loads(response["Payload"].read() or b"null"), log, "FunctionError" in response
