"""Client of the vendor's API: OpenTok, and Vonage Video on the unified platform.

It is independent of AWS. Import its modules one by one: a function that only creates tokens should
not load an HTTP library.

* `options`          what a session can be created with, and which combinations the vendor forbids
* `credentials`      credentials of either platform, from a secret
* `session_id`       what a session id reveals about its session
* `grant`            what a client token grants: role, lifetime, data
* `tokens`           the token itself, in each of the vendor's formats
* `signing`          JWTs signed as each platform requires
* `transport`        calls the REST API: deadline, retries, errors
* `responses`        what a response means
* `circuit_breaker`  stops calls while the vendor fails
* `connections`      kept-alive connections
* `clock`            durations that span invocations
* `sessions`         creates sessions
* `moderation`       lists and disconnects the clients of a session
* `features`         starts, finds and stops what a routed session offers: archives, broadcasts, …
* `families`         these features as data; `feature_fields` are their fields, `rules` check them
* `errors`           every error, as one tree
"""
