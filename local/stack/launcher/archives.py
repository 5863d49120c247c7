"""The archives of functions and layers, each of them unpacked once.

MiniStack unpacks a function and its layers again for each new worker. Unpacking takes longer than
starting the worker. Here all workers share one copy, which they only read, as on Lambda.
"""

import hashlib
import os
import tempfile
import threading
import types
import zipfile
from pathlib import Path
from typing import Any

__all__ = ["unpack_once"]

_unpacking = threading.Lock()


def unpack_once(lambda_runtime: Any) -> None:
    """Replaces the archives of MiniStack's workers."""
    lambda_runtime.zipfile = types.SimpleNamespace(**{**vars(zipfile), "ZipFile": _Archive})


class _Archive(zipfile.ZipFile):
    """An archive that is unpacked as a link to the shared copy of its files."""

    def namelist(self) -> list[str]:
        # MiniStack resolves the path of each name and refuses paths outside of the target. That is
        # slow and not needed: `extractall` writes no file outside of its target.
        return []

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        with _unpacking:
            copy = self._copy()
        os.rmdir(path)
        os.symlink(copy, path)

    def _copy(self) -> Path:
        """Returns the directory with the files of this archive."""
        digest = hashlib.sha256(Path(str(self.filename)).read_bytes()).hexdigest()
        copy = Path(tempfile.gettempdir(), f"unpacked-{digest}")
        if not copy.exists():
            partial = tempfile.mkdtemp()
            super().extractall(partial, super().namelist())
            os.rename(partial, copy)
        return copy
