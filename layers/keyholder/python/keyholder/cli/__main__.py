"""`python -m keyholder.cli`: the command without its console script."""

from keyholder.cli.main import main

main()
