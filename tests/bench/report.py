#!/usr/bin/env python3
"""report.py [--record] TABLE RESULTS: prints the results of trigon_bench beside their goals.

TABLE is docs/reference/benchmarks.md: its rows `| name | number | unit | goal | what |` are the goals and the committed
numbers. Exits 1 when a measurement failed or when an instruction count is more than 5 % (and what such a number
scatters by) above the committed one.
"""
import argparse
import pathlib
import re
import sys

TOLERANCE = 1.05
# What a difference of two runs of a quarter of a million instructions scatters by.
SCATTER = 400
ROW = re.compile(r"^\| `([\w-]+)` \|([^|]*)\|([^|]*)\|([^|]*)\|(.*)\|$")


def read_table(path):
    rows = {}
    for line in path.read_text().splitlines():
        if found := ROW.match(line):
            name, number, unit, goal, what = (cell.strip() for cell in found.groups())
            rows[name] = {"number": to_number(number), "unit": unit, "goal": goal, "what": what}
    return rows


def to_number(text):
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None


def show(value):
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def verdict(goal, value):
    found = re.match(r"([≤≥]) *([\d.,]+)", goal)
    if not found:
        return ""
    limit = float(found.group(2).replace(",", ""))
    met = value <= limit if found.group(1) == "≤" else value >= limit
    return "pass" if met else "MISSED"


def write_table(path, results):
    lines = []
    for line in path.read_text().splitlines():
        found = ROW.match(line)
        if found and found.group(1) in results:
            _, _, unit, goal, what = (cell.strip() for cell in found.groups())
            line = f"| `{found.group(1)}` | {show(results[found.group(1)][0])} | {unit} | {goal} | {what} |"
        lines.append(line)
    path.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", action="store_true")
    parser.add_argument("table", type=pathlib.Path)
    parser.add_argument("results", type=pathlib.Path)
    arguments = parser.parse_args()
    table = read_table(arguments.table)
    results, failures = {}, []
    notes = []
    for line in arguments.results.read_text().splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "result":
            name, value, unit = rest.split()
            results[name] = (float(value), unit)
        elif kind == "failure":
            failures.append(rest)
        elif kind == "note":
            notes.append(rest)

    print(f"{'measurement':<24}{'measured':>14} {'unit':<13}{'goal':<15}{'':<8}{'committed':>12}  what")
    for name, (value, unit) in results.items():
        row = table.get(name, {"number": None, "goal": "", "what": ""})
        worse = ""
        if unit == "instructions" and row["number"] and value > row["number"] * TOLERANCE + SCATTER:
            worse = " REGRESSION"
            failures.append(f"{name}: {show(value)} instructions, {value / row['number'] - 1:.1%} more than committed")
        print(f"{name:<24}{show(value):>14} {unit:<13}{row['goal']:<15}{verdict(row['goal'], value):<8}"
              f"{show(row['number']):>12}  {row['what']}{worse}")
    for text in notes:
        print(text)
    if arguments.record and not any("instructions" not in f for f in failures):
        write_table(arguments.table, results)
        failures = []
    for text in failures:
        print(f"FAILED: {text}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
