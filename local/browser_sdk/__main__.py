"""``python -m local.browser_sdk``: installs the vendor's browser SDK, or says why it does not."""

from __future__ import annotations

import sys

from local.browser_sdk import SdkUnavailable, install


def main() -> None:
    """Installs the SDK; without npm the rest of the local stack works too."""
    try:
        print("set-up: the vendor's browser SDK into local/browser_sdk")
        install()
    except SdkUnavailable as error:
        print(f"set-up: calls in the browser are not available: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
