"""One function of a running stack, called as the console's test button calls it."""

import base64
import json
from typing import Any

from local.stack import cloud
from local.stack.errors import StackError

__all__ = ["invoke"]


def invoke(stack: dict[str, Any], function: str, event: object) -> tuple[Any, str, bool]:
    """Run a function with an event: what it returned, its log's end, and whether it crashed.

    Raises `StackError` for a function that is not in the template.
    """
    names = stack["functions"]
    if function not in names:
        raise StackError("invoke", f"no function {function}", advice=f"one of {', '.join(names)}")
    answer = cloud.client("lambda", stack["awsEndpointUrl"]).invoke(
        FunctionName=names[function],
        Payload=json.dumps(event).encode(),
        LogType="Tail",
    )
    log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
    return json.loads(answer["Payload"].read() or b"null"), log, "FunctionError" in answer
