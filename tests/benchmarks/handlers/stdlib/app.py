"""The lower limit: one signed GetItem with the standard library alone."""

import hashlib
import hmac
import http.client
import json
import os
import ssl
import time
from urllib.parse import urlsplit

ENDPOINT = urlsplit(os.environ["AWS_ENDPOINT_URL"])
CONNECTION = http.client.HTTPSConnection(
    ENDPOINT.hostname or "",
    ENDPOINT.port,
    context=ssl.create_default_context(cafile=os.environ["BENCH_ROOT"]),
)
TYPE = "application/x-amz-json-1.0"
TARGET = "DynamoDB_20120810.GetItem"


def sign(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def get_item(table: str, pk: str) -> object:
    body = json.dumps({"TableName": table, "Key": {"pk": {"S": pk}, "sk": {"S": "session"}}})
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    token = os.environ["AWS_SESSION_TOKEN"]
    scope = f"{now[:8]}/{os.environ['AWS_REGION']}/dynamodb/aws4_request"
    names = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"
    values = f"content-type:{TYPE}\nhost:{ENDPOINT.netloc}\nx-amz-date:{now}\n"
    values += f"x-amz-security-token:{token}\nx-amz-target:{TARGET}\n"
    request = f"POST\n/\n\n{values}\n{names}\n{hashlib.sha256(body.encode()).hexdigest()}"
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in scope.split("/"):
        key = sign(key, part)
    parts = [
        f"Credential={os.environ['AWS_ACCESS_KEY_ID']}/{scope}",
        f"SignedHeaders={names}",
        f"Signature={sign(key, text).hex()}",
    ]
    headers = {
        "Content-Type": TYPE,
        "X-Amz-Date": now,
        "X-Amz-Security-Token": token,
        "X-Amz-Target": TARGET,
        "Authorization": "AWS4-HMAC-SHA256 " + ", ".join(parts),
    }
    CONNECTION.request("POST", "/", body, headers)
    return json.loads(CONNECTION.getresponse().read())


def handler(event: dict[str, dict[str, str]], context: object) -> dict[str, int]:
    get_item(os.environ["TABLE_NAME"], "session#" + event["pathParameters"]["sessionId"])
    return {"statusCode": 200}
