"""An emulator of the OpenTok and Vonage Video services, for one machine without an account.

Not emulated: media servers and rate limits; recordings, broadcasts, captions, SIP calls and renders
are bookkeeping. What is emulated, how faithfully, and the source of each behaviour is the table in
``fidelity``.

It shares no code with what is deployed: an emulator that did would confirm its client's mistakes.
"""
