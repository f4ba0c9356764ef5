"""Images: what is taken for one, however it is written."""

from __future__ import annotations

import base64

import pytest

from mockdock.dialects.openai.images import bad_image
from tests.effort import bounded

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(40))
STARTS = [PNG, b"\xff\xd8\xff\xe0JFIF", b"GIF87a", b"GIF89a\0", b"RIFF\0\0\0\0WEBPVP8 "]


def data(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


@pytest.mark.parametrize("content", STARTS)
def test_images_are_known_by_their_first_bytes(content: bytes) -> None:
    """Whatever the type says: SDKs often guess it."""
    for kind in ("image/png", "image/jpeg", "IMAGE/x-odd"):
        assert bad_image(data(content, kind), "u") is None


@pytest.mark.parametrize(
    "url",
    [
        "https://nowhere.invalid/cat.png",
        "http://localhost:8000/cat.png",
        "http://shop.localhost./cat.png",
        "https://mock.test/cat.png",
        "http://127.0.0.1/cat.png",
        "http://10.0.0.1/cat.png",
        "http://[::1]/cat.png",
        "http://[cat.png",
        "http:///cat.png",
    ],
)
def test_what_the_service_cannot_reach_is_told_without_trying(url: str) -> None:
    refusal = bad_image(url, "u")
    assert refusal is not None
    assert refusal.message == f"Error while downloading {url}."
    assert (refusal.status, refusal.param, refusal.code) == (400, None, "invalid_image_url")


@pytest.mark.parametrize("url", ["http://8.8.8.8/cat.png", "https://latest/cat.png"])
def test_public_addresses_and_names_are_taken(url: str) -> None:
    assert bad_image(url, "u") is None


@pytest.mark.parametrize("url", ["http://x", "https://x/y.png", "HTTPS://X"])
def test_what_lies_behind_a_url_is_not_asked(url: str) -> None:
    assert bad_image(url, "u") is None


def test_base64_may_be_broken_into_lines_and_lack_its_end() -> None:
    whole = base64.encodebytes(PNG * 20).decode()
    for text in (whole, whole.rstrip("\n="), " " + whole, "\n".join(whole)):
        assert bad_image(f"data:image/png;base64,{text}", "u") is None
    assert bad_image(data(PNG).replace(";base64", ";charset=x;base64"), "u") is None


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("data:image/png;base64,AAAA", "invalid_image_format"),
        ("data:image/png;base64,A", "invalid_image_format"),
        ("data:image/png;base64,==", "invalid_image_format"),
        ("data:image/png;base64,é", "invalid_base64"),
        ("data:image/png;base64,iVBOR=w0KGgo", "invalid_base64"),
        ("data:image/png,iVBORw0KGgo", "invalid_base64"),
        ("data:image/png;base64,  ", "invalid_value"),
        ("data:;base64,AAAA", "invalid_image_format"),
        ("data:text/plain,hello", "invalid_image_format"),
        ("data:", "invalid_value"),
        ("file:///etc/passwd", "invalid_value"),
        ("", "invalid_value"),
    ],
)
def test_what_is_no_image(url: str, code: str) -> None:
    refusal = bad_image(url, "u")
    assert refusal is not None
    assert (refusal.status, refusal.code) == (400, code)


@pytest.mark.parametrize(
    "url",
    [
        "data:" + "a" * 2_000_000,
        "data:image/png;base64," + " " * 2_000_000 + "!",
        "data:image/png;base64," + "A" * 2_000_000 + "!",
        "data:image/png;" + ";" * 2_000_000,
    ],
    ids=["kind", "blanks", "letters", "more"],
)
def test_long_data_is_read_in_linear_time(url: str) -> None:
    with bounded(200):
        assert bad_image(url, "u") is not None
