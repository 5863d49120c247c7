"""A stand-in for the OpenTok and Vonage Video REST services, for one machine without an account.

What it does not do, first: no media, no signalling, nothing of what browsers and phones talk to
after they have joined; archives are bookkeeping without a recording; there are no broadcasts, SIP
calls, captions, renders or callbacks, and no rate limits. What it does, how truly, and where that
is known from, is the table in ``fidelity``.

It shares no code with what is deployed: a stand-in that did would confirm its client's mistakes.
"""
