"""The examples of the pages, run unchanged against the deployed local stack."""

import json
import re
import shutil
import subprocess
from pathlib import Path

from opentok_client.families import FAMILIES
from tests.contract.test_docs import ROOT, blocks
from tests.integration.emulator import Emulator
from tests.integration.stack import Stack

# A fake of the vendor's client SDK: connects with a session ID and a token.
OPENTOK_JS = """
export const OT = {
  initSession(project, sessionId) {
    return {
      async connect(token, done) {
        const response = await fetch(process.env.VENDOR + "/_emulator/connect", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ sessionId, token }),
        });
        done(response.ok ? undefined : new Error(await response.text()));
      },
    };
  },
};
"""
# A fake of the sign-in library, with a right and a wrong password.
AMPLIFY = {
    "package.json": '{"exports": {".": "./index.mjs", "./auth": "./auth.mjs"}}',
    "index.mjs": "export const Amplify = { configure(with_) { this.auth = with_.Auth.Cognito; } };",
    "auth.mjs": """
import { Amplify } from "aws-amplify";
export async function signIn({ username, password }) {
  const isSignedIn = Amplify.auth.userPoolClientId === "client" && password === "right";
  return { isSignedIn, nextStep: { signInStep: isSignedIn ? "DONE" : "RESET_PASSWORD" } };
}
export async function fetchAuthSession() {
  return { tokens: { idToken: { toString: () => process.env.JWT } } };
}
""",
}
SIGN_IN_JOIN_AND_RENEW_JS = """
const { API } = process.env;
let unsigned;
try {
  await signedIn("pool", "client", "alice", "wrong");
} catch (error) {
  unsigned = error.message;
}
await signedIn("pool", "client", "alice", "right");
const JWT = await currentJwt();
const joined = await joinRoom(API, JWT, "docs-example", OT);
const token = await freshToken(API, JWT, joined.sessionId);
const far = renewBefore(new Date(Date.now() + 30 * 24 * 3600 * 1000), () => process.exit(1));
const renewed = await new Promise((resolve) => renewBefore(new Date(), () => resolve(true)));
let refused;
try {
  await joinRoom(API, JWT, "not a room", OT);
} catch (error) {
  refused = error.message;
}
clearTimeout(far);
console.log(JSON.stringify({ ...joined, token, renewed, refused, unsigned }));
"""


def environment(stack: Stack) -> dict[str, str]:
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "API": stack.facts["apiUrl"],
        "JWT": stack.facts["users"]["alice"]["token"],
        "VENDOR": stack.facts["opentokUrl"],
    }


def test_the_curl_example_of_the_readme_works(stack: Stack) -> None:
    calls = [block for block in blocks(ROOT / "README.md", "sh") if block.startswith("curl")]
    assert calls
    for block in calls:
        done = subprocess.run(
            ["/bin/sh", "-ec", block.replace("curl ", "curl --silent --show-error --fail ", 1)],
            env=environment(stack),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        response = json.loads(done.stdout)
        assert response["room"] == "standup"
        assert response["token"]["role"] == "publisher"


def test_the_examples_of_features_give_the_shown_responses(stack: Stack) -> None:
    body = {"features": ["archiving"], "token": {}}
    session = stack.call("POST", "/sessions", body, user="alice").body
    connected = Emulator(stack).connect(session["sessionId"], session["token"]["token"])
    assert connected.status == 200
    variables = {**environment(stack), "SESSION": session["sessionId"], "ID": ""}
    # Every call, with the response that follows it if the page shows one.
    page = (ROOT / "docs" / "features.md").read_text()
    examples = re.findall(r"^```sh\n(.*?)^```(?:\n\n```json\n(.*?)^```)?", page, re.S | re.M)
    assert len(examples) > len(FAMILIES)
    started = set()
    for call, shown in examples:
        block = call.replace("curl ", "curl --silent --show-error --fail ", 1)
        done = subprocess.run(
            ["/bin/sh", "-ec", block], env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{call}{done.stderr}"
        response = json.loads(done.stdout)
        if shown:
            assert sorted(response) == sorted(json.loads(shown)), call
            started.add(re.findall(r"/([a-z-]+)\"", call)[0])
            variables["ID"] = response["id"]
        else:
            assert response["status"] == "stopped"
    assert started == FAMILIES.keys()


def test_the_javascript_example_signs_in_joins_connects_and_renews(
    stack: Stack, tmp_path: Path
) -> None:
    node = shutil.which("node")
    assert node, "Node is needed to run the JavaScript of the docs"
    examples = "\n".join(blocks(ROOT / "docs" / "clients.md", "js"))
    program = tmp_path / "example.mjs"
    program.write_text(OPENTOK_JS + examples + SIGN_IN_JOIN_AND_RENEW_JS)
    amplify = tmp_path / "node_modules" / "aws-amplify"
    amplify.mkdir(parents=True)
    for name, content in AMPLIFY.items():
        (amplify / name).write_text(content)
    done = subprocess.run(
        [node, str(program)], env=environment(stack), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout.splitlines()[-1])
    assert shown["sessionId"] == shown["token"]["sessionId"]
    assert shown["renewed"] is True
    assert "room" in shown["refused"]
    assert "RESET_PASSWORD" in shown["unsigned"]
