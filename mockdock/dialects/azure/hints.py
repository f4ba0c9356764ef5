"""What mockdock says beside Azure's own words, in headers: where else to ask, and whom."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from urllib.parse import quote

from mockdock.dialects.base import Call

__all__ = ["beside", "near"]

_DOUBLED = re.compile(
    r"/openai/(?:(?:.*/)?openai/(?:deployments|models|v1)|v1/deployments)(?:/|$)", re.DOTALL
)
"""What a client asks whose endpoint has a path of its own."""
_HINT = "x-mockdock-hint"
_ASKED = 100
_SHOWN = 3
_LONGEST = 200
_SAFE = " /:,;()[]'!@#&*+="


def beside(call: Call) -> dict[str, str]:
    """Give the headers that lead back from a path which does not exist.

    The AzureOpenAI client adds ``/openai/deployments/...`` to its ``azure_endpoint``,
    whatever that ends with; who is beside both of its APIs is told the newer one.
    """
    if _DOUBLED.match(call.path):
        return {_HINT: f"azure_endpoint is scheme and host alone: {call.base_url}"}
    if call.path.startswith(("/openai/v1/", "/openai/deployments/")):
        return {}
    return {"x-mockdock-base-url": f"{call.base_url}/openai/v1"}


def near(name: str, deployments: Collection[str]) -> dict[str, str]:
    """Give the header that names the deployments nearest to one there is not, at most three.

    Case does not count. Where none is near, some that there are.
    """
    if not deployments:
        return {_HINT: "the scenario declares no deployments"}
    folded = {each.casefold(): each for each in deployments}
    found = difflib.get_close_matches(name[:_ASKED].casefold(), folded, n=_SHOWN)
    shown = [folded[each] for each in found] or sorted(deployments)[:_SHOWN]
    told = ", ".join(repr(each[:_LONGEST]) for each in shown)
    more = len(deployments) - len(shown)
    begin = "the nearest deployments are" if found else "there are the deployments"
    if len(shown) == 1:
        begin = "the nearest deployment is" if found else "there is the deployment"
    rest = f" and {more} more" if more and not found else ""
    return {_HINT: quote(f"{begin} {told}{rest}", safe=_SAFE, errors="replace")}
