"""`python -m nnlaw` is the command `nn`."""

from nnlaw.cli.main import main

main()
