"""Publishes events after a change of the table, which its stream reports."""

from opentok_sessions import composition
from opentok_sessions.runtime.settings import Settings
from opentok_sessions.stream_handler import stream_handler

handler = stream_handler(composition.publish_events(Settings.from_environment()))
