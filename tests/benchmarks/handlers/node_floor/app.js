"use strict";

// The floor in Node.js: a DynamoDB client of the AWS SDK v3 and one GetItem, nothing else.

const { DynamoDBClient, GetItemCommand } = require("@aws-sdk/client-dynamodb");

const dynamodb = new DynamoDBClient({});

exports.handler = async (event) => {
  const pk = `session#${event.pathParameters.sessionId}`;
  const Key = { pk: { S: pk }, sk: { S: "session" } };
  await dynamodb.send(new GetItemCommand({ TableName: process.env.TABLE_NAME, Key }));
  return { statusCode: 200 };
};
