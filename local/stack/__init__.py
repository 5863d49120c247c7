"""The whole stack on this machine: AWS (MiniStack), the emulator, the deployed template.

    python -m local.stack up | down | status | serve | demo | invoke | tokens   [--state DIR]

What is deployed is the real `template.yaml` with the real functions and layer. Nothing of those is
imported here: they run inside MiniStack, as they would inside Lambda.

Where to look:
`lifecycle` puts the parts together; `programs` starts and stops processes; `cloud` is MiniStack;
`bundle` makes what is uploaded; `deployment` hands it to CloudFormation; `gateway` adds the routes
that MiniStack does not read from a template; `accounts` makes up the vendor's credentials and the
users; `demo` and `invoke` use the result.
"""
