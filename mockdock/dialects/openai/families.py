"""Which models are of one kind, for what they refuse; from public pastes and probes.

PROBE is explained in ``rules_model``. Names are those of ``Traits.family``; one
that is in no table here is refused nothing. That gpt-6 is like the newest gpt-5
is ASSUMED.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = [
    "BLIND",
    "GPT_5",
    "GPT_56",
    "OLDER",
    "O_SERIES",
    "WITHOUT_CHAT_TOOLS",
    "WITHOUT_SCHEMA",
    "WITHOUT_STOP",
    "WITHOUT_SYSTEM",
    "efforts",
]

OLDER = ("gpt-3.5", "gpt-4", "chatgpt-")
O_SERIES = ("o1", "o3", "o4")
GPT_56 = ("gpt-5.6", "gpt-6")
GPT_5 = ("gpt-5", "gpt-6")
WITHOUT_STOP = (*GPT_5, "o3", "o4", "o1-preview")  # huggingface/smolagents#1671, #1893
WITHOUT_SYSTEM = {"o1-mini", "o1-preview"}  # microsoft/agent-framework#1077
WITHOUT_CHAT_TOOLS = ("gpt-5.4", "gpt-5.5", *GPT_56)

_EFFORTS: dict[str, Sequence[str]] = {
    # big-AGI#1159 (every model probed), models.dev#2351, opencode#26268; 5.6: PROBE
    **dict.fromkeys(
        ("o1", "o1-pro", "o3", "o3-mini", "o3-pro", "o4-mini", "gpt-5.1-codex"),
        ("low", "medium", "high"),
    ),
    **dict.fromkeys(("gpt-5", "gpt-5-mini", "gpt-5-nano"), ("minimal", "low", "medium", "high")),
    **dict.fromkeys(
        ("gpt-5.1-chat-latest", "gpt-5.2-chat-latest", "gpt-5.3-chat-latest"), ("medium",)
    ),
    **dict.fromkeys(("gpt-5.2-pro", "gpt-5.4-pro"), ("medium", "high", "xhigh")),
    **dict.fromkeys(
        (
            "gpt-5.2",
            "gpt-5.4",
            "gpt-5.4-mini",
            "gpt-5.4-nano",
            "gpt-5.5",
            "gpt-5.6",
            "gpt-5.6-luna",
            "gpt-5.6-sol",
            "gpt-5.6-terra",
        ),
        ("none", "low", "medium", "high", "xhigh"),
    ),
    "gpt-5-pro": ("high",),
    "gpt-5.1": ("none", "low", "medium", "high"),
}

BLIND = re.compile(
    r"gpt-3\.5-turbo.*|gpt-4(-0314|-0613|-32k.*|-\d{4}-preview|-turbo-preview)?|"
    r"o1-mini|o1-preview|o3-mini"
)
"""Models without eyes (vllm-project/vllm#11629, browser-use/web-ui#274)."""

WITHOUT_SCHEMA = re.compile(
    r"gpt-3\.5-turbo.*|gpt-4(-0314|-0613|-32k.*|-\d{4}-preview|-turbo.*)?|"
    r"chatgpt-4o-latest|o1-mini|o1-preview"
)
"""Models from before structured outputs (langchain#31490, midscene#259)."""


def efforts(family: str) -> Sequence[str] | None:
    """Give the efforts of a model, None where they are not known."""
    return _EFFORTS.get("gpt-5.6" if family.startswith("gpt-6") else family)
