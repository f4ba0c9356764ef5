"""``python -m mockdock`` is ``mockdock``."""

from mockdock.cli import main

if __name__ == "__main__":
    main()
