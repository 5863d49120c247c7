"""The whole stack on this machine: AWS (MiniStack), the emulator, the deployed template.

    python -m local.stack up | down | status | serve | demo | invoke | tokens   [--state DIR]

It deploys the real `template.yaml` with the real functions and layer. Nothing of those is imported
here: they run inside MiniStack, as they would inside Lambda.

Where to look:
`lifecycle` combines the parts; `settings` and `run` hold what a stack was started with; `programs`
starts and stops processes; `cloud` starts MiniStack through the `launcher`, `components` starts the
emulator and the console; `bundle` builds the files to upload; `deployment` calls CloudFormation;
`gateway` adds the routes that MiniStack does not read from a template; `accounts` invents the
vendor's credentials and the users; `demo` and `invoke` use the result.
"""
