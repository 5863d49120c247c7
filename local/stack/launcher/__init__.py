"""What runs inside MiniStack's process, besides MiniStack.

    .venv-ministack/bin/python -I -c BOOTSTRAP

`guard` decides which requests reach MiniStack; `roles` gives functions credentials that no other
program can guess; `archives` lets the workers of a function share its files; `streams` and
`delivery` send the table's stream to functions as Lambda does; `signing_keys` lets the gateway
verify users' tokens. These modules import nothing else of this project, because only MiniStack's
own libraries are installed there.
"""

__all__ = ["BOOTSTRAP"]

#: Runs the launcher. Python's isolated mode ignores the working directory, so the path is added for
#: the import and removed again before MiniStack starts any function.
BOOTSTRAP = """\
import sys
sys.path.insert(0, {root!r})
from local.stack.launcher.main import main
sys.path.remove({root!r})
main()
"""
