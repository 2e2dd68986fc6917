#!/usr/bin/env python3
"""Proves that check_includes.py fails on includes that point the wrong way and passes the ones that do not."""
import pathlib
import tempfile
import unittest

import check_includes

FILES = [
    "userspace/main.cc", "userspace/base/result.h", "userspace/sys/file.h", "userspace/bpf/object.h",
    "userspace/event/decode.h", "userspace/policy/ir.h", "userspace/policy/parse_yaml.cc", "userspace/engine/engine.h",
    "userspace/output/json.h", "userspace/daemon/agent.h", "userspace/cli/verbs.h", "bpf/abi/record.h",
    "bpf/lib/base/types.h", "bpf/lib/read/task.h", "bpf/lib/emit/ring.h", "bpf/lib/act.h",
    "bpf/programs/process.bpf.c", "tests/host/fixture.h", "tests/unit/base/result_test.cc",
]


class CheckIncludes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for name in FILES:
            self.write(name, "")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def problems(self, source, *includes):
        self.write(source, "".join(f"#include {include}\n" for include in includes))
        return check_includes.check(self.root)

    def test_the_right_way_passes(self):
        self.assertEqual(self.problems("userspace/main.cc", '"cli/verbs.h"'), [])
        self.assertEqual(self.problems("userspace/sys/file.h", '"base/result.h"', "<bpf_is_not_libbpf.h>"), [])
        self.assertEqual(self.problems("userspace/bpf/object.h", "<bpf/libbpf.h>", '"process.skel.h"'), [])
        self.assertEqual(self.problems("userspace/policy/parse_yaml.cc", "<yaml-cpp/yaml.h>", '"policy/ir.h"'), [])
        self.assertEqual(self.problems("userspace/daemon/agent.h", '"output/json.h"', '"bpf/abi/record.h"'), [])
        self.assertEqual(self.problems("bpf/lib/emit/ring.h", '"bpf/lib/act.h"', '"bpf/abi/record.h"'), [])
        self.assertEqual(self.problems("bpf/programs/process.bpf.c", '"bpf/lib/emit/ring.h"', "<bpf/bpf_helpers.h>"), [])
        self.assertEqual(self.problems("tests/unit/base/result_test.cc", '"base/result.h"', '"tests/host/fixture.h"'), [])

    def assert_complaint(self, source, include, words):
        found = self.problems(source, include)
        self.assertEqual(len(found), 1, found)
        self.assertIn(f"{source}:1:", found[0])
        self.assertIn(words, found[0])

    def test_upwards_in_user_space_fails(self):
        self.assert_complaint("userspace/base/result.h", '"sys/file.h"', "nothing but itself")

    def test_sideways_in_user_space_fails(self):
        self.assert_complaint("userspace/policy/ir.h", '"sys/file.h"', "not userspace/sys")

    def test_a_relative_path_does_not_hide_it(self):
        self.assert_complaint("userspace/event/decode.h", '"../engine/engine.h"', "not userspace/engine")

    def test_main_sees_cli_only(self):
        self.assert_complaint("userspace/main.cc", '"daemon/agent.h"', "userspace may include userspace/cli")

    def test_libbpf_outside_bpf_fails(self):
        self.assert_complaint("userspace/engine/engine.h", "<bpf/libbpf.h>", "libbpf is seen by userspace/bpf only")

    def test_skeleton_outside_bpf_fails(self):
        self.assert_complaint("userspace/daemon/agent.h", '"process.skel.h"', "skeletons are seen by")

    def test_yaml_outside_the_parser_fails(self):
        self.assert_complaint("userspace/policy/ir.h", "<yaml-cpp/yaml.h>", "yaml-cpp is seen by")

    def test_later_bpf_layer_fails(self):
        self.assert_complaint("bpf/lib/read/task.h", '"bpf/lib/emit/ring.h"', "not bpf/lib/emit")

    def test_abi_depends_on_nothing(self):
        self.assert_complaint("bpf/abi/record.h", '"bpf/lib/base/types.h"', "not bpf/lib/base")

    def test_nobody_includes_tests(self):
        self.assert_complaint("userspace/cli/verbs.h", '"tests/host/fixture.h"', "included by nobody")

    def test_an_unknown_folder_is_reported(self):
        self.assert_complaint("userspace/misc/things.h", '"base/result.h"', "is not a folder that")


if __name__ == "__main__":
    unittest.main()
