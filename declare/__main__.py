"""`python -m declare`."""

from declare.cli import main

if __name__ == "__main__":
    main()
