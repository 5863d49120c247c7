"""Client of the OpenTok and Vonage Video session API: creates sessions and client tokens.

It is independent of AWS. Its modules are imported one by one, because a function that only creates
tokens should not load an HTTP library:

* `options`      the options of a session, and the combinations that the vendor forbids
* `credentials`  the account's credentials, on either platform
* `session_id`   the parts of a session id
* `grant`        the content of a client token: role, lifetime, data
* `tokens`       client tokens, in each of the vendor's formats
* `signing`      JWTs, with the signature of each platform
* `client`       the REST call that creates a session
* `errors`       all errors, as one tree
"""
