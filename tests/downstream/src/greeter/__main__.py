"""Run the command line."""

from greeter import main

main()
