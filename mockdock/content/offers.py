"""What a conversation offers: the values in its text that an answer can take up."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from itertools import islice, takewhile
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mockdock.content.prompt_schema import prose

__all__ = ["Offer", "Offers", "read_offers", "singular"]

_MAX_TEXT = 4_000
_MAX_OFFERS = 50
_MAX_RUN = 5
_SIDE = 40
_NOON = 12
# A word in capitals that is longer is no abbreviation of a name but emphasis.
_SHOUT = 4
# Stands where something was taken, so that it is read once and nothing joins across it.
_TAKEN = "\0"


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DAY = r"(?P<d>[0-9]{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<y>[0-9]{4})(?!\w)"
_DATES = (
    re.compile(r"(?<![\w/.-])(?P<y>[0-9]{4})([-/])(?P<m>[0-9]{1,2})\2(?P<d>[0-9]{1,2})(?![\w-])"),
    re.compile(
        r"(?<![\w/.-])(?P<one>[0-9]{1,2})(?P<sign>[/.])(?P<two>[0-9]{1,2})(?P=sign)" + _YEAR
    ),
    re.compile(rf"(?<!\w){_MONTH} {_DAY},? {_YEAR}", re.IGNORECASE),
    re.compile(rf"(?<![\w.]){_DAY} (?:of )?{_MONTH},? {_YEAR}", re.IGNORECASE),
)
_MOMENT = re.compile(
    r"(?<![\w-])([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-2][0-9]:[0-5][0-9])(:[0-5][0-9])?"
    r"(?:\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})?(?!\w)"
)
_TIME = re.compile(
    r"(?<![\w:.])([0-9]{1,2})(?::([0-5][0-9]))?(?::([0-5][0-9]))?(?:\s?([ap])\.?m\b)?(?![\w:])",
    re.IGNORECASE,
)
_LINK = re.compile(r"https?://[^\s<>\"'`{}|\\^\[\]()“”]{1,500}")
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63}){1,5}", re.ASCII)
_QUOTE = re.compile(
    r"\"([^\"\n]{1,300})\"|“([^”\n]{1,300})”|„([^“”\n]{1,300})[“”]|«([^»\n]{1,300})»"
    "|\u2018([^\u2019\n]{1,200})\u2019|(?<!\\w)'([^'\n]{1,200})'(?!\\w)|(?<!`)`([^`\n]{1,200})`(?!`)"
)
_KEY = re.compile(r"\s*:")
_NUMBER = re.compile(
    r"(?<![\w./])(?:(?<![\w)])(?P<sign>[-\u2212]))?(?:[$€£] ?)?(?P<number>"
    r"[0-9]{1,3}(?:,[0-9]{3}){1,4}(?:\.[0-9]{1,9})?(?![0-9])|[0-9]{1,15}(?:\.[0-9]{1,9})?)"
    r"(?:(?!\.?[0-9]|/|\w)(?: ?%)?|(?=(?:kg|mg|lbs?|km|cm|mm|ml|mi|gb|mb|min|hrs?)\b))",
    re.IGNORECASE,
)
_NUMERALS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMERAL = re.compile(rf"\b(?:{'|'.join(_NUMERALS)})\b", re.IGNORECASE)
_SIGNS = {"$": "money", "€": "money", "£": "money", "%": "percent"}
# What a word beside a number says about the field it is for.
_MEANS = {
    **dict.fromkeys(("dollar", "euro", "money"), _set("price amount cost total budget fee")),
    **dict.fromkeys(("celsius", "degree", "fahrenheit"), _set("temperature")),
    **dict.fromkeys(
        ("adult", "guest", "people", "person"), _set("guest people person party size seat")
    ),
    **dict.fromkeys(("copy", "item", "piece", "unit"), _set("quantity count")),
    **dict.fromkeys(("hour", "hr", "min", "minute"), _set("duration")),
    **dict.fromkeys(("km", "mile"), _set("distance radius")),
    **dict.fromkeys(("kg", "lb", "pound"), _set("weight")),
    "cm": _set("height"),
    "old": _set("age"),
    "percent": _set("percentage rate discount tip"),
}
_WORD = re.compile("[^\\W\\d_][\\w'\u2019-]*")
_OWNER = re.compile("['\u2019]s?\\Z")
_BESIDE = re.compile(r"[^\W_]+|[,.;!?\n()]")
# These end what belongs to a value.
_BREAKS = _set("and or for with in from then but plus by on , . ; ! ? ( )") | {"\n"}
_SMALL = _set("a an the of to at is it i my next last only about")
_ARTICLES = _set("the a an city")
_JOINTS = _set("de la le las los el del di da do dos of van von der du upon")
_LISTED = _set(", and or")
_TITLES = _set("St Mt Dr Mr Mrs Ms")
_IS = _set("is was has lives works wants am")
_NO_NAMES = _set("""
    january february march april may june july august september october november december
    jan feb mar apr jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday
    saturday sunday today tomorrow tonight yesterday a an the i i'm we you he she it they my our
    your his her their its this that these those there here what where when who whom whose why how
    which is are was in for to from at with by on of near and or but if as named called into about
    please can could would will should do does did book find get give show tell send make create
    add set translate convert write extract return answer hi hello json xml csv html yaml pdf api
    url sql http https id am pm utc gmt ok
""")
_REGION = re.compile(r", ([A-Z]{2,3}\b|[A-Z][^\W\d_]+(?: [A-Z][^\W\d_]+)?(?=[.?!;)]|\s*\Z))")


class Offer(Struct, frozen=True):
    """One value, where it is, the word ``before`` it and words ``near`` that say what it is.

    ``region`` is what follows the comma in a name such as "Springfield, IL".
    """

    value: Any
    at: int
    before: str = ""
    near: frozenset[str] = frozenset()
    region: str = ""


class Offers(Struct, frozen=True):
    """The values in a text by kind, each kind in order of appearance.

    Dates are ISO dates, ``moments`` are RFC 3339, times ``HH:MM`` or ``HH:MM:SS``.
    """

    text: str = ""
    numbers: tuple[Offer, ...] = ()
    quotes: tuple[Offer, ...] = ()
    names: tuple[Offer, ...] = ()
    dates: tuple[Offer, ...] = ()
    moments: tuple[Offer, ...] = ()
    times: tuple[Offer, ...] = ()
    emails: tuple[Offer, ...] = ()
    links: tuple[Offer, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.text.strip())


def read_offers(text: str) -> Offers:
    """Read what the start of a text offers; a schema in it is no part of that."""
    said = prose(text)[:_MAX_TEXT].replace(_TAKEN, " ")
    reader = _Reader(said)
    links = reader.take(_LINK, _link)
    emails = reader.take(_EMAIL, lambda match: match[0])
    moments = reader.take(_MOMENT, _moment)
    dates = [offer for form in _DATES for offer in reader.take(form, _date)]
    dates += [replace(offer, value=offer.value[:10]) for offer in moments]
    times = reader.take(_TIME, _time)
    quotes = reader.take(_QUOTE, _quote)
    numbers = [*reader.take(_NUMBER, _number), *reader.take(_NUMERAL, _numeral)]
    return Offers(
        text=said,
        numbers=_ordered(numbers),
        quotes=_ordered(quotes),
        names=_ordered(reader.names()),
        dates=_ordered(dates),
        moments=_ordered(moments),
        times=_ordered(times),
        emails=_ordered(emails),
        links=_ordered(links),
    )


def singular(word: str) -> str:
    """Give a word without its plural ending."""
    if word.endswith("ies") and len(word) > len("ties"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _ordered(offers: Iterable[Offer]) -> tuple[Offer, ...]:
    return tuple(sorted(offers, key=lambda offer: offer.at)[:_MAX_OFFERS])


class _Reader:
    """Reads a text kind by kind; what was taken is not there for the next kind."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.left = text

    def take(self, form: re.Pattern[str], make: Callable[[re.Match[str]], Any]) -> list[Offer]:
        """Take what ``make`` gives for a match: None leaves it, "" takes without offering."""
        found: list[Offer] = []
        parts: list[str] = []
        at = 0
        for match in form.finditer(self.left):
            value = make(match)
            if value is None:
                continue
            start, end = match.span()
            parts += (self.left[at:start], _TAKEN * (end - start))
            at = end
            if value != "" and len(found) < _MAX_OFFERS:
                found.append(self.offer(value, start, end))
        self.left = "".join((*parts, self.left[at:]))
        return found

    def offer(self, value: Any, start: int, end: int) -> Offer:
        ahead = _BESIDE.findall(self.text[max(start - _SIDE, 0) : start].lower())
        while ahead and ahead[-1] in _ARTICLES:
            ahead.pop()
        after = _BESIDE.findall(self.text[end : end + _SIDE].lower())
        near = [*_until_break(reversed(ahead), 3), *_until_break(after, 2)]
        near += [word for sign, word in _SIGNS.items() if sign in self.text[start:end]]
        stems = {singular(word) for word in near}
        stems.update(*(_MEANS.get(word, ()) for word in tuple(stems)))
        stems -= _SMALL | {"year"} if "old" in stems else _SMALL
        return Offer(value, start, ahead[-1] if ahead else "", frozenset(stems))

    def names(self) -> Iterator[Offer]:
        """Find runs of capitalised words that do not just begin a sentence."""
        tokens = list(_WORD.finditer(self.left))
        at = behind = 0
        before = ""
        while at < len(tokens):
            if not _is_name(tokens[at][0]):
                at += 1
                continue
            first, at = at, self.run_end(tokens, at)
            start, end = tokens[first].start(), tokens[at - 1].end()
            told = at < len(tokens) and tokens[at][0] in _IS and tokens[at].start() == end + 1
            if end - start == 1 or (not told and self.fresh(start)):
                continue
            offer = self.offer(_OWNER.sub("", self.left[start:end]), start, end)
            region = _REGION.match(self.left, end)
            if region and region[1].lower() not in _NO_NAMES:
                offer = replace(offer, region=region[1])
                while at < len(tokens) and tokens[at].start() < region.end():
                    at += 1
            listed = offer.before in _LISTED and start - behind <= len(", and ")
            if told or offer.before in _IS:
                before = "is"
            elif not listed:
                before = offer.before
            behind = end
            yield replace(offer, before=before)

    def run_end(self, tokens: list[re.Match[str]], first: int) -> int:
        """Give the index after the last word of the name that begins at ``first``."""
        last = first
        for at in range(first + 1, min(first + _MAX_RUN, len(tokens))):
            gap = self.left[tokens[at - 1].end() : tokens[at].start()]
            if gap != " " and not (gap == ". " and tokens[at - 1][0] in _TITLES):
                break
            if _is_name(tokens[at][0]):
                last = at
            elif tokens[at][0] not in _JOINTS:
                break
        return last + 1

    def fresh(self, start: int) -> bool:
        """Tell whether a sentence begins here, so that its capital says nothing."""
        lead = self.left[max(start - _SIDE, 0) : start].rstrip(" \t\r\"'“(*->#")
        return lead[-1:] in ("", ".", "!", "?", "\n")


def _until_break(words: Iterable[str], most: int) -> Iterator[str]:
    return islice(takewhile(lambda word: word not in _BREAKS and not word.isdigit(), words), most)


def _is_name(word: str) -> bool:
    bare = _OWNER.sub("", word)
    shouted = word.isupper() and len(word) > _SHOUT
    return word[0].isupper() and not shouted and "_" not in word and bare.lower() not in _NO_NAMES


def _link(match: re.Match[str]) -> str:
    link = match[0].rstrip(".,;:!?")
    return link if link.isascii() else ""


def _moment(match: re.Match[str]) -> str:
    day, clock, seconds, zone = match.groups()
    value = f"{day}T{clock}{seconds or ':00'}{zone or 'Z'}"
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return ""
    return value


def _date(match: re.Match[str]) -> str:
    parts = match.groupdict()
    if "one" in parts:
        month, day = int(parts["one"]), int(parts["two"])
        # Dots mean day first; with slashes only a number that is no month tells.
        if parts["sign"] == "." or month > len(_MONTHS):
            month, day = day, month
        elif day <= len(_MONTHS) and day != month:
            return ""
    else:
        day = int(parts["d"])
        month = _MONTHS.index(parts["name"][:3].lower()) + 1 if "name" in parts else int(parts["m"])
    try:
        return date(int(parts["y"]), month, day).isoformat()
    except ValueError:
        return ""


def _time(match: re.Match[str]) -> str | None:
    hour, minute, second, half = int(match[1]), match[2], match[3], match[4]
    if half and 0 < hour <= _NOON:
        hour = hour % _NOON + _NOON * (half in "pP")
    elif half or minute is None or hour >= 2 * _NOON:
        return None
    return f"{hour:02}:{minute or '00'}" + (f":{second}" if second else "")


def _quote(match: re.Match[str]) -> str:
    # A key of JSON in the text is a name, not a value.
    is_key = match[1] is not None and _KEY.match(match.string, match.end())
    return "" if is_key else match[match.lastindex or 0].strip()


def _number(match: re.Match[str]) -> int | float:
    digits = match["number"].replace(",", "")
    number = float(digits) if "." in digits else int(digits)
    return -number if match["sign"] else number


def _numeral(match: re.Match[str]) -> int:
    return _NUMERALS.index(match[0].lower()) + 2
