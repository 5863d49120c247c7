"""What a local stack is started with."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from local.stack import cloud
from local.stack.errors import StackError
from local.stack.run import DEFAULT_STATE

__all__ = ["Settings"]

_FIXED = {
    "Platform": "use PLATFORM=vonage instead",
    "JwtIssuer": "users sign in with the stack's own user pool",
    "JwtAudience": "users sign in with the stack's own user pool",
}
"""Parameters that the local stack sets itself, with the next step or the reason."""

_DEFAULTS = {
    # Demos and most tests call more often than one user does. Zero means without limit.
    "CallerSessionsPerHour": "0",
    "CallerTokensPerMinute": "0",
    "CallerFeaturesPerHour": "0",
    "CallerRooms": "0",
}
"""Values for parameters that the template may have and that are not given."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a local stack. `parameters` are parameters of the template."""

    state: Path = DEFAULT_STATE
    platform: str = "opentok"
    schedule: bool = True
    console: bool = True
    parameters: dict[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raises `StackError` for a parameter that cannot be set here."""
        for name in sorted(_FIXED.keys() & self.parameters.keys()):
            raise StackError("the local stack", f"{name} cannot be set", advice=_FIXED[name])

    def template_parameters(self, emulator: str, declared: Collection[str]) -> dict[str, str]:
        """Returns all parameters for a template that declares these, with the emulator's URL."""
        return {
            "Platform": self.platform,
            "ApiUrl": emulator,
            "Architecture": cloud.architecture(),
            "ScheduleState": "ENABLED" if self.schedule else "DISABLED",
            **{name: value for name, value in _DEFAULTS.items() if name in declared},
            **self.parameters,
        }
