"""A page to see a running local stack by, and the two paths that the vendor's sample apps ask for.

    python -m local.console --stack .local/stack.json [--port N]

Everything is asked of the real API, as a signed-in user. None of this is deployed.

Where to look:
`app` has the routes; `stack_file` reads what `make up` wrote; `users` signs in and renews tokens;
`api` carries calls to the API, where browsers may not go by themselves; `pools` reads and refills
the pools as an operator would; `sample_apps` answers as the vendor's learning servers do; `page/`
is what the browser gets.
"""
