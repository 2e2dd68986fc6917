#!/usr/bin/env python3
"""Adds up the results of `./dev test`: a line per failure and skip, a table per suite, one total as the last line.

Reads a folder of <suite>.xml (JUnit, from ctest), <suite>.json (GoogleTest), <suite>.skipped (a reason; the whole
suite did not run) and <suite>.broken (a reason; it ran and brought no results, which is a failure).
Exits 1 when something failed or when a suite named in --require ran no test to its end.
"""
import argparse
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree


class Suite:
    def __init__(self, name):
        self.name, self.passed, self.failures, self.skips, self.note = name, 0, [], [], ""

    @property
    def family(self):
        return self.name.split("-")[0]


def skip_reason(text):
    """GoogleTest prints `file:line: Skipped` and then the reason."""
    found = re.search(r": Skipped\n(.+)", text or "")
    return found.group(1).strip() if found else "no reason given"


def read_junit(suite, path):
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name, output = case.get("name"), case.findtext("system-out") or ""
        if case.get("status") in ("notrun", "disabled") or case.find("skipped") is not None:
            # A test whose program is missing is reported as not run: that is no skip anybody asked for.
            if "Unable to find executable" in output or "NOT_BUILT" in (name or ""):
                suite.failures.append((name, "its program was not built"))
            else:
                suite.skips.append((name, skip_reason(output)))
        elif case.find("failure") is not None or case.get("status") == "fail":
            suite.failures.append((name, ""))
        else:
            suite.passed += 1


def read_gtest(suite, path):
    # The JSON of GoogleTest 1.12 does not say why a test was skipped; its text, in the log beside it, does.
    log = path.with_suffix(".log")
    text = log.read_text(errors="replace").replace("\r", "") if log.exists() else ""
    reasons = {name: reason for reason, name in re.findall(r": Skipped\n(.+)\n+\[  SKIPPED \] (\S+)", text)}
    for group in json.loads(path.read_text()).get("testsuites", []):
        for case in group.get("testsuite", []):
            name = f"{group['name']}.{case['name']}"
            if case.get("failures"):
                suite.failures.append((name, case["failures"][0].get("failure", "").strip()))
            elif case.get("result") == "SKIPPED" or case.get("status") == "NOTRUN":
                suite.skips.append((name, reasons.get(name, f"see {log}")))
            else:
                suite.passed += 1


def read_results(folder):
    order = {"unit": 0, "host": 1}
    suites = {}
    for path in folder.iterdir():
        if path.suffix not in (".xml", ".json", ".skipped", ".broken"):
            continue
        suite = suites.setdefault(path.stem, Suite(path.stem))
        try:
            if path.suffix == ".xml":
                read_junit(suite, path)
            elif path.suffix == ".json":
                read_gtest(suite, path)
            elif path.suffix == ".skipped":
                suite.skips.append(("(the whole suite)", path.read_text().strip()))
            else:
                suite.failures.append(("(the whole suite)", path.read_text().strip()))
        except (ElementTree.ParseError, ValueError) as error:
            suite.failures.append(("(the whole suite)", f"{path} is not readable: {error}"))
    # 5.10 before 6.1 before 6.12.
    numbers = lambda name: [int(n) for n in re.findall(r"\d+", name)]
    return sorted(suites.values(), key=lambda s: (order.get(s.family, 2), numbers(s.name)))


def check_required(suites, required):
    for family in required.split():
        members = [suite for suite in suites if suite.family == family]
        if not members:
            suites.append(Suite(family))
            members = suites[-1:]
        for suite in members:
            if not suite.passed and not suite.failures:
                reason = suite.skips[0][1] if suite.skips else "it has no tests"
                suite.failures.append(("(the whole suite)", f"required, and skipped: {reason}"))
                suite.skips = [skip for skip in suite.skips if skip[0] != "(the whole suite)"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--require", default="")
    parser.add_argument("folder", type=pathlib.Path)
    arguments = parser.parse_args()

    suites = read_results(arguments.folder)
    check_required(suites, arguments.require)
    for suite in suites:
        for name, reason in suite.skips:
            print(f"SKIP {suite.name}: {name}: {reason}")
    for suite in suites:
        for name, text in suite.failures:
            print(f"FAIL {suite.name}: {name}" + (f": {text}" if text else ""))
    print(f"\n{'suite':<12}{'passed':>8}{'failed':>8}{'skipped':>8}")
    for suite in suites:
        print(f"{suite.name:<12}{suite.passed:>8}{len(suite.failures):>8}{len(suite.skips):>8}")
    passed, failed, skipped = (
        sum(suite.passed for suite in suites),
        sum(len(suite.failures) for suite in suites),
        sum(len(suite.skips) for suite in suites),
    )
    if not (passed or failed or skipped):
        print("no test ran")
        failed = 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
