"""Locust, as the README has it: many users of the openai package through a bad night.

Locust replaces parts of Python's standard library where it is imported, so it only ever runs
in a process of its own, with the very blocks of the README but for their run time.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text()
PYTHON = shlex.quote(sys.executable)


def block(language: str) -> str:
    """Give the one block of a language that speaks of Locust."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    (found,) = (text for text in blocks if "locust" in text)
    return str(found)


def test_the_recipe_of_the_readme(tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text(block("python"))
    install, *recipe = block("sh").replace("\\\n", " ").splitlines()
    assert install == "pip install locust openai"
    run, audit = (
        re.sub(r"(?<![\w-])(mockdock|locust)(?= )", rf"{PYTHON} -m \1", command).replace(
            "30s", "1s"
        )
        for command in recipe
    )

    ran = subprocess.run(run, shell=True, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"^ +Aggregated +\d+", ran.stderr, re.MULTILINE), ran.stderr
    records = [json.loads(line) for line in (tmp_path / "night.jsonl").read_text().splitlines()]
    assert Counter(each["status"] for each in records).keys() == {200, 429, 500, 503, 504}
    assert {each["attempt"] for each in records} == {1, 2, 3}
    assert f"{len(records)} requests" in ran.stderr

    judged = subprocess.run(
        audit, shell=True, check=False, capture_output=True, text=True, cwd=tmp_path
    )
    verdicts = dict(re.findall(r"^(\w+) +(ok|failed|not seen) ", judged.stdout, re.MULTILINE))
    # Waits that the client chose itself come late where the machine is busy.
    late = verdicts.pop("backoff")
    assert verdicts == {
        "max_attempts": "ok",
        "retry": "ok",
        "never": "not seen",
        "retry_after": "ok",
        "cancelled_streams": "not seen",
    }, judged.stdout
    assert judged.returncode == int(late == "failed"), judged.stderr
    assert f"attempts {len(records)}," in judged.stdout
