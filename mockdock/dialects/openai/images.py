"""What an image must be as far as a mock can see: a URL, or data of a known kind."""

from __future__ import annotations

import base64
import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from mockdock.dialects.openai.invalid import bad_request
from mockdock.reply import Failure

__all__ = ["bad_image"]

_DATA = re.compile(r"data:(?P<kind>[^;,]*+)(?P<more>[^,]*+),(?P<data>.*)", re.DOTALL)
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]*+={0,2}\s*")
_SPACE = re.compile(r"\s+")
_HEAD = 32
_NOWHERE = (".invalid", ".localhost", ".test")
_MAGIC = (
    re.compile(rb"\x89PNG\r\n\x1a\n"),
    re.compile(rb"\xff\xd8\xff"),
    re.compile(rb"GIF8[79]a"),
    re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
)
_EXPECTED = (
    "Expected a base64-encoded data URL with an image MIME type (e.g. "
    "'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), but got"
)


def bad_image(url: str, where: str) -> Failure | None:
    """Refuse what is no address of an image; what lies behind one is never fetched.

    ``where`` is the path of the URL. The words are those of OmniSearch#3,
    dify#11527, opencode#23983 and a recording; for data that is not base64 only
    the message is pasted (comfyui-art-venture#75), its code is ASSUMED.
    """
    if re.match(r"https?://", url, re.IGNORECASE):
        return _unreachable(url)
    found = _DATA.fullmatch(url)
    if found is None:
        return _no_data_url(where, "a value without the 'data:' prefix.")
    if not found["kind"].lower().startswith("image/"):
        return bad_request(
            "Invalid MIME type. Only image types are supported.", code="invalid_image_format"
        )
    if not found["data"].strip():
        return _no_data_url(where, "empty base64-encoded bytes.")
    return _bad_data(found["more"], found["data"])


def _unreachable(url: str) -> Failure | None:
    """Refuse what the service cannot download from where it is (recorded wording).

    Only what no public name or address can be is told without trying: local
    and private ones, and names reserved never to exist (RFC 2606, RFC 6761).
    """
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        host = ""
    if host and not f".{host}".endswith(_NOWHERE) and not _is_private(host):
        return None
    return bad_request(f"Error while downloading {url}.", code="invalid_image_url")


def _is_private(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return False


def _bad_data(encoding: str, data: str) -> Failure | None:
    if not encoding.endswith(";base64") or not _BASE64.fullmatch(data):
        return bad_request("Invalid base64 image_url.", code="invalid_base64")
    if any(magic.match(_head(data)) for magic in _MAGIC):
        return None
    return bad_request(
        "You uploaded an unsupported image. Please make sure your image has of one the following "
        "formats: ['png', 'jpeg', 'gif', 'webp'].",
        code="invalid_image_format",
    )


def _no_data_url(where: str, got: str) -> Failure:
    return bad_request(f"Invalid image URL: '{where}'. {_EXPECTED} {got}", where, "invalid_value")


def _head(data: str) -> bytes:
    """Decode the first bytes."""
    start = _SPACE.sub("", data[: 4 * _HEAD])[:_HEAD]
    whole = start.rstrip("=")
    return base64.b64decode(whole[: len(whole) - (len(whole) % 4 == 1)] + "==")
