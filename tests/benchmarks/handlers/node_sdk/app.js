"use strict";

// What a team would write with the vendor's SDK for Node.js: a session and a token per request.
// In its favour: one client per secret, a cached secret, no router, no validation, no metrics, no
// rooms, no pool, and a log line without a library.

const { DynamoDBClient } = require("@aws-sdk/client-dynamodb");
const { GetSecretValueCommand, SecretsManagerClient } = require("@aws-sdk/client-secrets-manager");
const { DynamoDBDocumentClient, PutCommand } = require("@aws-sdk/lib-dynamodb");
const OpenTok = require("opentok");

const SECRET_MILLISECONDS = 60_000;

const table = DynamoDBDocumentClient.from(new DynamoDBClient({}));
const secrets = new SecretsManagerClient({});
let cached = { opentok: null, until: 0 };

async function client() {
  if (Date.now() >= cached.until) {
    const SecretId = process.env.SECRET_ID;
    const secret = await secrets.send(new GetSecretValueCommand({ SecretId }));
    const { apiKey, apiSecret } = JSON.parse(secret.SecretString);
    const opentok = new OpenTok(apiKey, apiSecret, { apiUrl: process.env.API_URL, timeout: 5000 });
    cached = { opentok, until: Date.now() + SECRET_MILLISECONDS };
  }
  return cached.opentok;
}

function createSession(opentok) {
  return new Promise((resolve, reject) => {
    opentok.createSession({ mediaMode: "routed" }, (error, session) =>
      error ? reject(error) : resolve(session),
    );
  });
}

exports.handler = async (event) => {
  const { token: grant } = JSON.parse(event.body);
  const opentok = await client();
  const { sessionId } = await createSession(opentok);
  await table.send(
    new PutCommand({
      TableName: process.env.TABLE_NAME,
      Item: { pk: `session#${sessionId}`, sk: "session", createdAt: Date.now() },
      ConditionExpression: "attribute_not_exists(pk)",
    }),
  );
  const token = opentok.generateToken(sessionId, {
    role: grant.role,
    expireTime: Math.floor(Date.now() / 1000) + grant.expiresIn,
    data: grant.data,
  });
  console.log(JSON.stringify({ level: "INFO", message: "session created", sessionId }));
  return {
    statusCode: 201,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ sessionId, token }),
  };
};
