// Small BPF programs, written instruction by instruction, so that a probe needs neither a compiler nor an object file.
#pragma once

#include <linux/bpf.h>

#include <cstddef>
#include <vector>

namespace trigon::bpf {

class Code {
 public:
  Code& mov(int dst, int imm) { return add(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm); }
  Code& copy(int dst, int src) { return add(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0); }
  // BPF_ADD and BPF_K are both 0.
  Code& add_imm(int dst, int imm) { return add(BPF_ALU64 | BPF_ADD, dst, 0, 0, imm); }
  // dst = *(u64 *)(src + off)
  Code& load(int dst, int src, int off) { return add(BPF_LDX | BPF_MEM | BPF_DW, dst, src, off, 0); }
  // *(u64 *)(dst + off) = imm
  Code& store(int dst, int off, int imm) { return add(BPF_ST | BPF_MEM | BPF_DW, dst, 0, off, imm); }
  Code& map(int dst, int map_fd) { return wide(dst, BPF_PSEUDO_MAP_FD, map_fd); }
  // Address of the value of a one-entry array (5.2, d8eca5bbb2be).
  Code& map_value(int dst, int map_fd) { return wide(dst, BPF_PSEUDO_MAP_VALUE, map_fd); }
  // Address of the function that starts `distance` instructions after the next one (5.13, 69c087ba6225).
  Code& function(int dst, int distance) { return wide(dst, BPF_PSEUDO_FUNC, distance); }
  Code& call(int helper) { return add(BPF_JMP | BPF_CALL, 0, 0, 0, helper); }
  Code& call_kernel(int btf_id) { return add(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, btf_id); }
  // Skips `count` instructions (an address counts two) when reg is, or is not, imm.
  Code& skip_if(int reg, int imm, int count) { return add(BPF_JMP | BPF_JEQ | BPF_K, reg, 0, count, imm); }
  Code& skip_unless(int reg, int imm, int count) { return add(BPF_JMP | BPF_JNE | BPF_K, reg, 0, count, imm); }
  Code& skip_if_negative(int reg, int count) { return add(BPF_JMP | BPF_JSLT | BPF_K, reg, 0, count, 0); }
  Code& return_r0() { return add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }
  Code& exit(int value) { return mov(BPF_REG_0, value).return_r0(); }
  // Tells the canary (probes_run.h) that this point was reached. kMarkSize instructions; clobbers r1.
  static constexpr int kMarkSize = 3;
  Code& mark(int map_fd) { return map_value(BPF_REG_1, map_fd).store(BPF_REG_1, 0, 1); }

  const bpf_insn* data() const { return code_.data(); }
  size_t size() const { return code_.size(); }

 private:
  Code& add(int code, int dst, int src, int off, int imm) {
    bpf_insn insn = {};
    insn.code = static_cast<__u8>(code);
    insn.dst_reg = static_cast<__u8>(dst & 0xf);
    insn.src_reg = static_cast<__u8>(src & 0xf);
    insn.off = static_cast<__s16>(off);
    insn.imm = imm;
    code_.push_back(insn);
    return *this;
  }
  Code& wide(int dst, int kind, int imm) {
    add(BPF_LD | BPF_IMM | BPF_DW, dst, kind, 0, imm);
    return add(0, 0, 0, 0, 0);
  }

  std::vector<bpf_insn> code_;
};

}  // namespace trigon::bpf
