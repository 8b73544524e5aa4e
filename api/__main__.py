"""`python -m api` is `foregraph`."""

from api.cli import main

main()
