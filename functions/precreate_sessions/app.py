"""The schedule's function: fills the pools that its event names."""

from sessions import wiring
from sessions.job import job_handler
from sessions.settings import Settings

handler = job_handler(wiring.precreate_sessions(Settings.from_environment()))
