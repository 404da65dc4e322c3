"""``junit.xml``: gates and conversations as test cases, and every measure as a property, for CI systems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET


def junit_xml(metrics: Mapping[str, Any]) -> str:
    """The whole document: suite ``measures`` (never fails), ``gates`` (with gates) and ``conversations``."""
    suites = ET.Element("testsuites", name="helppari eval")
    _measures(suites, metrics)
    if metrics.get("gates"):
        _gates(suites, metrics["gates"])
    if metrics.get("conversations"):
        _conversations(suites, metrics["conversations"]["table"])
    for name in ("tests", "failures", "skipped"):
        suites.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + _clean(ET.tostring(suites, encoding="unicode")) + "\n"


def _measures(suites: ET.Element, metrics: Mapping[str, Any]) -> None:
    suite = _suite(suites, "measures")
    for name, figure in metrics["measures"].items():
        case = _case(suite, "measures", name)
        if figure["value"] is None:
            ET.SubElement(case, "skipped", message="undefined: nothing to judge")
        else:
            interval = "" if figure["low"] is None else f" [{figure['low']}, {figure['high']}]"
            ET.SubElement(case, "system-out").text = f"{figure['value']}{interval} n={figure['n']}"
    _close(suite)


def _gates(suites: ET.Element, gates: list[Mapping[str, Any]]) -> None:
    suite = _suite(suites, "gates")
    for gate in gates:
        case = _case(suite, "gates", f"{gate['words']} ({gate['slice']})")
        if gate["verdict"] == "missed":
            ET.SubElement(case, "failure", message=gate["sentence"])
        elif gate["verdict"] != "kept":
            ET.SubElement(case, "skipped", message=gate["sentence"])
    _close(suite)


def _conversations(suites: ET.Element, table: list[Mapping[str, Any]]) -> None:
    suite = _suite(suites, "conversations")
    for conversation in table:
        case = _case(suite, "conversations", conversation["id"])
        faults = [f"line {turn['line']}: {turn['fault']}" for turn in conversation["turns"] if turn["fault"]]
        if faults:
            ET.SubElement(case, "failure", message=faults[0]).text = "\n".join(faults)
    _close(suite)


def _suite(suites: ET.Element, name: str) -> ET.Element:
    return ET.SubElement(suites, "testsuite", name=name)


def _case(suite: ET.Element, group: str, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=f"eval.{group}", name=name)


def _close(suite: ET.Element) -> None:
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))


def _clean(text: str) -> str:
    """XML 1.0 cannot hold most control characters, not even escaped."""
    return "".join(char if _allowed(char) else "\ufffd" for char in text)


def _allowed(char: str) -> bool:
    return char in "\t\n\r" or (char >= " " and char not in "\ufffe\uffff")
