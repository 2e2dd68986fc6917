#!/usr/bin/env python3
"""Fails when an include points the wrong way.

Dependencies point one way (docs/guide/development.md): the tables below are that rule. An include in user space is
written relative to userspace/ ("base/result.h") or to the repository ("bpf/abi/record.h"); in bpf/ relative to the
repository or to the file's own folder.
"""
import pathlib
import re
import sys

ABI = "bpf/abi"
# Which areas a folder of user space may include, besides itself.
USERSPACE = {
    "base": set(),
    "sys": {"base", ABI},  # procfs makes snapshot records
    "symbols": {"base", "sys"},
    "actions": {"base"},
    "bpf": {"base", "sys", ABI},
    "event": {"base", ABI},
    "process": {"base", "sys", "event", ABI},
    "policy": {"base", ABI},
    "engine": {"base", "sys", "symbols", "bpf", "event", "process", "policy", ABI},
    "enrich": {"base", "sys", "event", "process"},
    "output": {"base", "sys", "event", "process", "policy", "enrich", ABI},
}
USERSPACE["daemon"] = set(USERSPACE) | {ABI}
USERSPACE["cli"] = set(USERSPACE) | {ABI}
BPF_LAYERS = ["base", "read", "match", "act", "emit"]

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
SOURCES = {".c", ".h", ".cc", ".cpp", ".hpp"}
LIBBPF = re.compile(r"^bpf/(libbpf|bpf|btf|libbpf_common|libbpf_legacy)\.h$")


def area_of(path):
    """The area a repository path belongs to: userspace/<folder>, bpf/abi, bpf/lib/<layer>, bpf/programs, tests …"""
    parts = path.parts
    if parts[0] == "userspace":
        return f"userspace/{parts[1]}" if len(parts) > 2 else "userspace"
    if parts[:2] == ("bpf", "lib"):
        # A layer is a folder or, while it is small, one file of its name.
        return f"bpf/lib/{parts[2].split('.')[0]}" if len(parts) > 2 else "bpf/lib"
    return "/".join(parts[:2]) if parts[0] == "bpf" else parts[0]


def resolve(root, source, target):
    """The repository path that `#include "target"` in source means, or None when it is not ours."""
    candidates = [source.parent / target, pathlib.Path(target)]
    if source.parts[0] in ("userspace", "tests"):
        candidates.append(pathlib.Path("userspace") / target)
    for candidate in candidates:
        normal = pathlib.Path(*_normalised(candidate.parts))
        if (root / normal).is_file():
            return normal
    return None


def _normalised(parts):
    out = []
    for part in parts:
        if part == ".." and out:
            out.pop()
        elif part != ".":
            out.append(part)
    return out


def allowed(area):
    """The areas that `area` may include, itself among them; None means all but tests."""
    kind, _, folder = area.partition("/")
    if area == "userspace":  # main.cc
        return {"userspace", "userspace/cli"}
    if kind == "userspace":
        if folder not in USERSPACE:
            return set()
        return {area} | {name if name == ABI else f"userspace/{name}" for name in USERSPACE[folder]}
    if area.startswith("bpf/lib/"):
        layer = area.rsplit("/", 1)[1]
        known = BPF_LAYERS[: BPF_LAYERS.index(layer) + 1] if layer in BPF_LAYERS else []
        return {ABI} | {f"bpf/lib/{name}" for name in known}
    if area == "bpf/programs":
        return {ABI, area} | {f"bpf/lib/{name}" for name in BPF_LAYERS}
    if area == ABI:
        return {ABI}
    return None


def complaint(root, source, target, quoted):
    """What is wrong with this include, or None."""
    area = area_of(source)
    if area == "tests":
        return None
    if target.endswith(".skel.h") and area != "userspace/bpf":
        return "skeletons are seen by userspace/bpf only: ask it for an object instead"
    if LIBBPF.match(target) and source.parts[0] == "userspace" and area != "userspace/bpf":
        return "libbpf is seen by userspace/bpf only: use its classes"
    if target.startswith("yaml-cpp/"):
        if area == "userspace/policy" and source.name.startswith("parse"):
            return None
        return "yaml-cpp is seen by userspace/policy/parse* only: use the tree it makes"
    resolved = resolve(root, source, target)
    if resolved is None:
        if quoted and target.split("/")[0] in set(USERSPACE) | {"tests", "userspace"} and not LIBBPF.match(target) \
                and not target.endswith(".skel.h"):
            return "no such file; write it relative to userspace/ or to the repository"
        return None
    theirs = area_of(resolved)
    if theirs == "tests":
        return "tests are included by nobody"
    may = allowed(area)
    if may is None or theirs in may:
        return None
    if not may:
        return f"{area} is not a folder that tools/check_includes.py knows: add it to the table with what it may include"
    others = sorted(name for name in may if name != area)
    return f"{area} may include {', '.join(others) if others else 'nothing but itself'}, not {theirs}"


def check(root):
    found = []
    for top in ("bpf", "userspace", "tests"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix not in SOURCES or not path.is_file():
                continue
            source = path.relative_to(root)
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                target = match.group(1) or match.group(2)
                if problem := complaint(root, source, target, match.group(1) is not None):
                    found.append(f"{source}:{number}: #include \"{target}\": {problem}")
    return found


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
    found = check(root)
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
