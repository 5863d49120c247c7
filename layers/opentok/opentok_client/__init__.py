"""Client of the OpenTok and Vonage Video session API: create sessions, make client tokens.

It knows nothing of AWS. Its modules are imported one by one, because a function that only makes
tokens should not load an HTTP library:

* `options`      what a session can be created with, and which combinations the vendor forbids
* `credentials`  who we are to the vendor, on either platform
* `session_id`   what a session id tells about its session
* `grant`        what a client token grants: role, lifetime, data
* `tokens`       the token itself, in each of the vendor's formats
* `signing`      JWTs as each platform wants them signed
* `client`       the REST call that creates a session
* `errors`       everything that can go wrong, as one tree
"""
