"""A page that shows a running local stack, and the paths that the vendor's sample apps call.

    python -m local.console --stack .local/stack.json [--port N]

It calls the real API as a signed-in user. Nothing of it is deployed.

Where to look:
`app` has the routes; `stack_file` reads the files of `make up`; `users` signs in and renews tokens;
`api` forwards calls to the API, which browsers cannot call directly; `pools` reads and refills the
pools as an operator would; `sample_apps` and `sample_features` respond as the vendor's learning
servers do; `browser_call` serves the page of a call and the vendor's browser SDK; `page/` is served
to the browser.
"""
