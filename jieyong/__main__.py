"""``python -m jieyong``."""

from jieyong.cli import main

if __name__ == "__main__":
    main()
