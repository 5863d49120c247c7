"""Registers the callback URL with the vendor: `make callbacks`.

On the unified platform, the Application API is used: the application is read, its webhooks are
changed, and the whole object is written back, so that fields unknown here survive. Without
`--write`, only the changes are printed. On OpenTok, there is no API: the steps are printed.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

__all__ = ["WEBHOOKS", "changed", "main", "opentok_steps"]

API = "https://api.nexmo.com"
TIMEOUT_SECONDS = 30
SECRET_MAX = 50

#: Every webhook of the capability `video`, with the kind of callbacks that its URL ends in.
WEBHOOKS = {
    "session_created": "session",
    "session_destroyed": "session",
    "session_notification": "session",
    "connection_created": "session",
    "connection_destroyed": "session",
    "stream_created": "session",
    "stream_destroyed": "session",
    "archive_status": "archive",
    "broadcast_status": "broadcast",
    "captions_status": "captions",
    "render_status": "render",
    "sip_call_created": "sip",
    "sip_call_updated": "sip",
    "sip_call_destroyed": "sip",
    "sip_call_mute_forced": "sip",
}


def changed(application: Mapping[str, Any], url: str, secret: str) -> dict[str, Any]:
    """Returns the application with all webhooks set; every other field is kept as it is."""
    capabilities = dict(application.get("capabilities") or {})
    video = dict(capabilities.get("video") or {})
    webhooks = dict(video.get("webhooks") or {})
    for name, kind in WEBHOOKS.items():
        webhook = {"address": f"{url}/{kind}", "secret": secret, "active": True}
        webhooks[name] = {**(webhooks.get(name) or {}), **webhook}
    return {
        **application,
        "capabilities": {**capabilities, "video": {**video, "webhooks": webhooks}},
    }


def opentok_steps(url: str) -> str:
    """Returns what to enter in the dashboard of an OpenTok project."""
    kinds = {
        "Session monitoring": "session",
        "Archiving": "archive",
        "Broadcast": "broadcast",
        "Captions": "captions",
        "SIP monitoring": "sip",
        "Experience Composer": "render",
    }
    lines = [f"  {title}: {url}/{kind}" for title, kind in kinds.items()]
    head = "OpenTok has no API for this. In the project's settings, enter these callback URLs,"
    return "\n".join([head, "each with the signature secret from the stack's secret:", *lines])


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="make callbacks", description=__doc__)
    parser.add_argument("--url", required=True, help="the stack's output CallbackUrl")
    parser.add_argument("--platform", choices=("opentok", "vonage"), default="opentok")
    parser.add_argument("--application", help="the application ID (vonage)")
    parser.add_argument("--write", action="store_true", help="change it, not only show it")
    parser.add_argument("--api", default=API, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    url = options.url.rstrip("/")
    if options.platform == "opentok":
        print(opentok_steps(url))
        return 0
    environment = {
        name: os.environ.get(name, "")
        for name in ("VONAGE_API_KEY", "VONAGE_API_SECRET", "SIGNATURE_SECRET")
    }
    missing = [name for name, value in environment.items() if not value]
    if missing or not options.application:
        needed = ", ".join(missing) or "--application"
        print(f"callbacks: {needed} must be given", file=sys.stderr)
        return 2
    if len(environment["SIGNATURE_SECRET"]) > SECRET_MAX:
        print(
            f"callbacks: SIGNATURE_SECRET must have at most {SECRET_MAX} characters",
            file=sys.stderr,
        )
        return 2
    account = f"{environment['VONAGE_API_KEY']}:{environment['VONAGE_API_SECRET']}"
    place = f"{options.api}/v2/applications/{options.application}"
    try:
        before = _call("GET", place, account)
        after = changed(before, url, environment["SIGNATURE_SECRET"])
        for line in _differences(before, after):
            print(line)
        if not options.write:
            print("Nothing was changed. Repeat with WRITE=1 to change it.")
            return 0
        _call("PUT", place, account, after)
    except (OSError, ValueError) as error:
        print(f"callbacks: the Application API failed: {error}", file=sys.stderr)
        return 1
    print("Changed. It may take the vendor 30 minutes to use the new settings.")
    return 0


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Returns one line per webhook, without secrets."""
    old = ((before.get("capabilities") or {}).get("video") or {}).get("webhooks") or {}
    new = after["capabilities"]["video"]["webhooks"]
    return [
        f"{name}: {(old.get(name) or {}).get('address', '(none)')} -> {new[name]['address']}"
        for name in WEBHOOKS
    ]


def _call(
    method: str, url: str, account: str, body: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    headers = {
        "Authorization": f"Basic {base64.b64encode(account.encode()).decode()}",
        "Content-Type": "application/json",
    }
    request = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        value = json.loads(response.read())
    if not isinstance(value, dict):
        raise ValueError("the response is not a JSON object")
    return value


if __name__ == "__main__":
    sys.exit(main())
