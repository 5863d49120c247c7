"""The schedule's function: refills the pools in its event."""

from opentok_sessions import composition
from opentok_sessions.runtime.settings import Settings
from opentok_sessions.scheduled_handler import scheduled_handler

handler = scheduled_handler(composition.precreate_sessions(Settings.from_environment()))
