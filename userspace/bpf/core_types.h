// The part of the kernel's BTF that the programs' CO-RE relocations can ask for, as a BTF of its own.
//
// libbpf looks for the candidates of each type name by walking all 130,000 types of the kernel: with some forty names
// that is most of a start's instructions. Given this BTF instead it walks two hundred.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "bpf/kernel_types.h"

struct btf;

namespace trigon::bpf {

// `local`: the BTF of the programs. For every structure in it that carries the name of a kernel structure (a flavour's
// name ends before "___"): that one, with the members that the local one names, at the kernel's offsets. The result is
// a file in memory; name it by /proc/self/fd.
Result<Fd> core_types(const btf* local, const KernelTypes& kernel);

}  // namespace trigon::bpf
