"""An emulator of the OpenTok and Vonage Video services, for one machine without an account.

Not emulated: media servers (archives are bookkeeping without a recording), broadcasts, SIP calls,
captions, renders and rate limits. What is emulated, how faithfully, and the source of each
behaviour is the table in ``fidelity``.

It shares no code with what is deployed: an emulator that did would confirm its client's mistakes.
"""
