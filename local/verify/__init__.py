"""Acceptance run against a deployed stack: `make verify STACK=name`.

It uses the operator's AWS credentials, takes less than three minutes and cleans up after itself.
The modules in reading order: `target` (the stack), `outcome` (what a check is), `run` (what the
checks share), the checks (`configuration`, `permissions`, `behaviour`, `callbacks`, `vendor`,
`records`) and `report`.
"""
