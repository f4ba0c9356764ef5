"""``python -m mockdock`` is ``mockdock``."""

import gc

_NEW_OBJECTS = 100_000


def main() -> None:
    """Run the command line.

    What a command imports stays. To look it through for cycles every 700 new objects, as
    Python does, takes a tenth of the time until a server answers.
    """
    gc.set_threshold(_NEW_OBJECTS)
    from mockdock.cli import main as run  # noqa: PLC0415 - it is what is imported

    run()


if __name__ == "__main__":
    main()
