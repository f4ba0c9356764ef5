"""The environment in which an app finds the mock server, and nothing real."""

from __future__ import annotations

import os

__all__ = ["ELSEWHERE", "PROJECT", "environment"]

ELSEWHERE = (
    "AZURE_OPENAI_AD_TOKEN",  # would go in place of the key
    "OPENAI_ORGANIZATION",
    "OPENAI_ORG_ID",
    "OPENAI_PROJECT_ID",
    "OPENAI_PROXY",  # LangChain
)
"""Variables of the real account, which a client would send along or go by: unset them."""

PROJECT = "mockdock"
"""The project of LangDB's clients where a scenario names none."""

_LOCAL = ("127.0.0.1", "localhost", "::1")


def environment(url: str, api_key: str, project: str = PROJECT) -> dict[str, str]:
    """Give the variables that clients of LLM APIs read, pointed at a mock server.

    ``url`` is scheme, host and port, ``project`` that of LangDB's clients. Hosts of this
    machine are also taken out of any proxy's way.

    >>> environment("http://127.0.0.1:8080", "sk-mockdock-1")["OPENAI_BASE_URL"]
    'http://127.0.0.1:8080/v1'
    """
    openai = f"{url}/v1"
    direct = _direct(f"{os.environ.get('NO_PROXY', '')},{os.environ.get('no_proxy', '')}")
    return {
        "OPENAI_BASE_URL": openai,
        "OPENAI_API_BASE": openai,  # LangChain, LiteLLM and openai before 1.0
        "OPENAI_API_KEY": api_key,
        "AZURE_OPENAI_ENDPOINT": url,
        "AZURE_OPENAI_API_KEY": api_key,
        "LANGDOCK_API_KEY": api_key,
        "LANGDB_API_BASE_URL": url,
        "LANGDB_API_KEY": api_key,
        "LANGDB_PROJECT_ID": project,
        "MOCKDOCK_URL": url,
        "NO_PROXY": direct,
        "no_proxy": direct,
    }


def _direct(hosts: str) -> str:
    known = [host.strip() for host in hosts.split(",") if host.strip()]
    return ",".join(dict.fromkeys([*known, *_LOCAL]))
