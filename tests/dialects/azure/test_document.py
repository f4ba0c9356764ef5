"""The page on the dialect says what is there, and its example runs."""

from __future__ import annotations

import re
from pathlib import Path

from mockdock.dialects.azure import azure, render

PAGE = Path(render.__file__).with_name("README.md").read_text()


def test_the_example_runs() -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    exec(compile(block, "README.md", "exec"), {})


def test_every_path_is_named() -> None:
    for route in azure.routes:
        path = route.path.removesuffix("/{model:path}").removesuffix("/{model}")
        assert f"`{route.method} {path}" in PAGE
