"""The floor: a boto3 client and one GetItem, nothing else."""

import os

import boto3

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, dict[str, str]], context: object) -> dict[str, int]:
    pk = "session#" + event["pathParameters"]["sessionId"]
    dynamodb.get_item(TableName=os.environ["TABLE_NAME"], Key={"pk": {"S": pk}})
    return {"statusCode": 200}
