"""The application: one module per use case, named after its function.

Imports point one way: `functions → opentok_sessions → opentok_client`, and in here
`composition → http, use cases → storage, vendor, credentials → runtime → domain`.
"""
