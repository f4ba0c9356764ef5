"""How providers spoke in what was recorded, as the settings of a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from msgspec.structs import asdict

from mockdock.gateways import USUAL, Gateways, Langdock
from mockdock.request import DialectName, Request

__all__ = ["Spoken", "gateway"]

_DEPLOYED = "x-ms-deployment-name"
_REGION = "x-ms-region"
_SETTINGS = frozenset(Langdock.__struct_fields__)


def gateway(dialect: DialectName, request: Request | None, gateways: Gateways) -> dict[str, str]:
    """Tell in a record how a provider spoke, as far as an answer depends on it.

    Of Azure the ``deployment`` that was asked and the ``region``; of Langdock the settings
    that are not the usual ones.
    """
    if dialect == "azure":
        deployment = "" if request is None else request.deployment
        return {"deployment": deployment, "region": gateways.azure.region}
    if dialect == "langdock":
        usual = asdict(USUAL.langdock)
        return {
            name: value for name, value in asdict(gateways.langdock).items() if value != usual[name]
        }
    return {}


class Spoken:
    """Collects the settings under which exchanges were had; a scenario has but one of each."""

    def __init__(self) -> None:
        self._models: dict[str, str] = {}
        self._region = ""
        self._langdock: dict[str, str] | None = None

    def add(self, record: Mapping[str, Any]) -> str:
        """Take those of a valid request, or say why it cannot be had together with the others."""
        told, dialect = record.get("gateway"), record.get("dialect")
        headers = record["reply"]["headers"]
        if dialect == "azure" or (dialect is None and _REGION in headers):
            known = told if isinstance(told, dict) else {}
            return self._add_azure(
                str(known.get("deployment") or unquote(headers.get(_DEPLOYED, ""))),
                record["model"],
                str(known.get("region") or unquote(headers.get(_REGION, ""))),
            )
        if dialect == "langdock":
            return self._add_langdock(told if isinstance(told, dict) else {})
        return ""

    def _add_azure(self, deployment: str, model: str, region: str) -> str:
        if deployment and self._models.setdefault(deployment, model) != model:
            return "asked of a deployment that stood for another model before"
        self._region = self._region or region
        return ""

    def _add_langdock(self, told: Mapping[str, Any]) -> str:
        mine = {name: str(told[name]) for name in told if name in _SETTINGS}
        if self._langdock is None:
            self._langdock = mine
        return "" if self._langdock == mine else "spoken by other settings of langdock"

    def settings(self) -> dict[str, Any]:
        """Give them in the language; nothing where all is as usual.

        A name stands for its model unless a deployment was called otherwise. The limits that
        Langdock has by default are off, as what they refused is recorded.
        """
        found: dict[str, Any] = {}
        if any(name != model for name, model in self._models.items()):
            found["deployments"] = dict(self._models)
        if self._region not in ("", USUAL.azure.region):
            found["region"] = self._region
        scenario: dict[str, Any] = {"azure": found} if found else {}
        if self._langdock is not None:
            scenario["langdock"] = {**self._langdock, "limits": []}
        return scenario
