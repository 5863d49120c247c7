"""What a team would write with the vendor's Python SDK: a session and a token per request.

In its favour: one SDK client per execution environment and secret, no Tracer, no validation, no
policy, no rooms, no pool.
"""

import os
import time
from functools import lru_cache

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.typing import LambdaContext
from opentok import Client, MediaModes, Roles

logger = Logger()
metrics = Metrics()
app = APIGatewayHttpResolver()
table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])


@lru_cache(maxsize=1)
def client(api_key: str, api_secret: str) -> Client:
    return Client(api_key, api_secret, api_url=os.environ["API_URL"], timeout=5)


def opentok() -> Client:
    secret = parameters.get_secret(os.environ["SECRET_ID"], transform="json", max_age=60)
    return client(secret["apiKey"], secret["apiSecret"])


@app.post("/sessions")
def create_session() -> tuple[dict[str, str], int]:
    grant = app.current_event.json_body["token"]
    session = opentok().create_session(media_mode=MediaModes.routed)
    table.put_item(
        Item={
            "pk": f"session#{session.session_id}",
            "sk": "session",
            "createdAt": int(time.time() * 1000),
        },
        ConditionExpression="attribute_not_exists(pk)",
    )
    token = opentok().generate_token(
        session.session_id,
        Roles(grant["role"]),
        int(time.time()) + grant["expiresIn"],
        grant["data"],
    )
    metrics.add_metric(name="SessionCreated", unit=MetricUnit.Count, value=1)
    logger.info("session created", session_id=session.session_id)
    return {"sessionId": session.session_id, "token": token}, 201


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, object], context: LambdaContext) -> dict[str, object]:
    return app.resolve(event, context)
