"""An emulator of the OpenTok and Vonage Video services, for one machine without an account.

Not emulated: media servers and rate limits; recordings, broadcasts, captions, SIP calls and renders
are bookkeeping. What is emulated, how faithfully, and the source of each behaviour is the table in
``fidelity``.

How a request travels: ``app`` logs it and injects the configured fault; a module ``…_routes``
parses it; a service (``sessions``, ``presence``, ``archive_store``, ``features``, ``moderation``)
changes the state and publishes an ``Event``; ``callbacks`` sends it to the registered URL, and
``client_events`` to browsers. ``messaging`` receives the requests of browsers, and
``client_requests`` executes them.

It shares no code with what is deployed: an emulator that did would confirm its client's mistakes.
"""
