#!/usr/bin/env python3
"""Fails on files that do not belong in the repository and on marks for later work without a context.

A mark is written `TODO(who or issue): what`; without the brackets nobody knows when it is done.
"""
import pathlib
import re
import subprocess
import sys

TOP_LEVEL = {
    "bpf", "userspace", "policies", "proto", "helm", "tests", "docs", "tools", "cmake",
    "CMakeLists.txt", "CMakePresets.json", "dev", "README.md", "LICENSE", "CONTRIBUTING.md", "CHANGELOG.md",
}  # and dotfiles
LEFTOVER = re.compile(r"(\.(orig|rej|swp|swo|bak|tmp|log|o|a|so|pyc|core)|~|^core|^vmlinux\.h|\.skel\.h)$")
LARGEST = 1 << 20
CODE = {".c", ".h", ".cc", ".cpp", ".hpp", ".py", ".sh", ".cmake", ".yaml", ".yml", ".txt", ".proto", ""}
MARK = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b(?!\([^)]+\): \S)")


def repository_files():
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    return [pathlib.Path(name) for name in listed if name and pathlib.Path(name).exists()]


def complaints(path):
    top = path.parts[0]
    if top not in TOP_LEVEL and not top.startswith("."):
        yield f"{path}: not a place of this repository; the top level has {', '.join(sorted(TOP_LEVEL))} and dotfiles"
    if LEFTOVER.search(path.name):
        yield f"{path}: looks like a leftover or something generated; remove it or ignore it"
    size = path.stat().st_size
    # A golden or corpus file may be empty because that is the case it is about.
    if size == 0 and path.parts[0] != "tests":
        yield f"{path}: is empty"
    if size > LARGEST:
        yield f"{path}: has {size} bytes; generate it or fetch it instead (limit {LARGEST})"
        return
    if path.suffix in CODE:
        text = path.read_bytes().decode("utf-8", "replace")
        for number, line in enumerate(text.splitlines(), 1):
            if found := MARK.search(line):
                yield f"{path}:{number}: {found.group(1)} without context; write {found.group(1)}(issue): what is missing"


def main():
    found = [line for path in repository_files() if not path.is_symlink() for line in complaints(path)]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
