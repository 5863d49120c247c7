"use strict";

// Runs one handler against the Lambda Runtime API, one event after the other.
// It stands for Lambda's own Node.js runtime, which is not published as a package that runs
// without its native extension. docs/performance.md says what that leaves out.

const http = require("node:http");
const path = require("node:path");

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const invocations = "/2018-06-01/runtime/invocation";
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function send(method, where, body = "") {
  return new Promise((resolve, reject) => {
    const headers = { "Content-Length": Buffer.byteLength(body) };
    const request = http.request({ host, port, method, path: where, headers, agent });
    request.on("error", reject);
    request.on("response", (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }),
      );
    });
    request.end(body);
  });
}

async function serve() {
  const { handler } = require(path.join(process.env.LAMBDA_TASK_ROOT, "app.js"));
  for (;;) {
    const next = await send("GET", `${invocations}/next`);
    const requestId = next.headers["lambda-runtime-aws-request-id"];
    const deadline = Number(next.headers["lambda-runtime-deadline-ms"]);
    const context = {
      awsRequestId: requestId,
      functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
      getRemainingTimeInMillis: () => deadline - Date.now(),
    };
    const result = await handler(JSON.parse(next.body), context);
    await send("POST", `${invocations}/${requestId}/response`, JSON.stringify(result));
  }
}

serve().catch((error) => {
  console.error(error);
  process.exit(1);
});
