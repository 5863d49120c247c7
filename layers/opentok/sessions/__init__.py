"""The application: a module per use case, named as its function, and what they share.

Imports point one way:
`models`, `errors` ← `store`, `credentials`, `vendor` ← use cases ← `wiring`, `api` ← functions.
"""
