"""The floor in Python: a boto3 client and one GetItem, nothing else."""

import os

import boto3

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, dict[str, str]], context: object) -> dict[str, int]:
    pk = "session#" + event["pathParameters"]["sessionId"]
    key = {"pk": {"S": pk}, "sk": {"S": "session"}}
    dynamodb.get_item(TableName=os.environ["TABLE_NAME"], Key=key)
    return {"statusCode": 200}
