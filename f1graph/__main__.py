"""`python -m f1graph` is `f1graph`."""

from f1graph.cli import main

if __name__ == "__main__":
    main()
