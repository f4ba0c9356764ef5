"""An audit as JUnit XML, for CI."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from mockdock.observe.audit.line import printable
from mockdock.observe.audit.text import examples, figure_words
from mockdock.observe.audit.verdict import Audit

__all__ = ["junit"]


def junit(audit: Audit) -> str:
    """Write a test case for each line of the policy: failed, skipped when not seen, or passed."""
    name = f"mockdock.audit.{printable(audit.policy.name)}"
    counts = {
        "tests": len(audit.lines),
        "failures": len(audit.failed),
        "errors": 0,
        "skipped": sum(each.verdict == "not seen" for each in audit.lines),
    }
    told = {key: str(value) for key, value in counts.items()}
    root = Element("testsuites", told)
    suite = SubElement(root, "testsuite", {"name": name, **told})
    properties = SubElement(suite, "properties")
    for label, value in figure_words(audit):
        SubElement(properties, "property", {"name": label, "value": value})
    for each in audit.lines:
        case = SubElement(suite, "testcase", {"classname": name, "name": each.name})
        if each.verdict == "not seen":
            SubElement(case, "skipped", {"message": "there was no occasion for it"})
        elif each.verdict == "failed":
            message = f"{each.asked}; broken {each.failed} of {each.seen} times"
            failure = SubElement(case, "failure", {"message": message, "type": "PolicyBreach"})
            failure.text = "\n".join(examples(each))
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}'
