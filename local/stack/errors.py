"""Errors of the local stack."""

from pathlib import Path

__all__ = ["StackError"]

LOG_LINES = 12


class StackError(Exception):
    """A part of the stack failed: which one, why, where its log is, and what to do next."""

    def __init__(
        self, component: str, reason: str, *, log: Path | None = None, advice: str = ""
    ) -> None:
        super().__init__(f"{component}: {reason}")
        self.component = component
        self.reason = reason
        self.log = log
        self.advice = advice

    def report(self) -> str:
        """Returns the error with the end of the log and the advice, for a terminal."""
        lines = [f"{self.component} failed: {self.reason}"]
        if self.log is not None:
            lines += [f"    {line}" for line in _last_lines(self.log)]
            lines.append(f"Log: {self.log}")
        if self.advice:
            lines.append(f"Next step: {self.advice}")
        return "\n".join(lines)


def _last_lines(log: Path) -> list[str]:
    try:
        return log.read_text(errors="replace").splitlines()[-LOG_LINES:]
    except OSError:
        return []
