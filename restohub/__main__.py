"""This file is `python -m restohub`: the same commands as `restohub`."""

from restohub.cli import main

if __name__ == "__main__":
    main()
