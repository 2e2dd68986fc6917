#include "engine/kernel_info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/btf.h>
#include <stdlib.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "engine/tracepoint_format.h"
#include "engine/type_path.h"

namespace trigon::engine {
namespace {

using policy::KernelType;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = KernelType::Kind;

// Writes BTF as a compiler would.
class BtfWriter {
 public:
  // Of a module: ids and strings go on where the base ends.
  BtfWriter(uint32_t first_id, uint32_t first_string) : next_(first_id), first_string_(first_string) {}
  BtfWriter() : BtfWriter(1, 0) {}

  uint32_t string(const std::string& text) {
    if (text.empty()) return 0;
    const auto at = first_string_ + static_cast<uint32_t>(strings_.size());
    strings_ += text + '\0';
    return at;
  }
  uint32_t type(const std::string& name, uint32_t kind, uint32_t vlen, uint32_t size_or_type, bool flag = false) {
    words({string(name), kind << 24 | vlen | (flag ? 1U << 31 : 0), size_or_type});
    return next_++;
  }
  uint32_t integer(const std::string& name, uint32_t bytes, uint32_t encoding = 0) {
    const uint32_t id = type(name, BTF_KIND_INT, 0, bytes);
    words({encoding << 24 | bytes * 8});
    return id;
  }
  uint32_t array(uint32_t of, uint32_t elements, uint32_t index) {
    const uint32_t id = type("", BTF_KIND_ARRAY, 0, 0);
    words({of, index, elements});
    return id;
  }
  uint32_t pointer(uint32_t to) { return type("", BTF_KIND_PTR, 0, to); }
  struct Member {
    std::string name;
    uint32_t type;
    uint32_t bit;
    uint32_t bits = 0;
  };
  uint32_t structure(const std::string& name, uint32_t bytes, const std::vector<Member>& members,
                     uint32_t kind = BTF_KIND_STRUCT) {
    const uint32_t id = type(name, kind, static_cast<uint32_t>(members.size()), bytes, true);
    for (const Member& m : members) words({string(m.name), m.type, m.bits << 24 | m.bit});
    return id;
  }
  uint32_t function(const std::string& name, uint32_t result, const std::vector<uint32_t>& params) {
    const uint32_t id = prototype(result, params);
    return type(name, BTF_KIND_FUNC, 1, id);
  }
  uint32_t prototype(uint32_t result, const std::vector<uint32_t>& params) {
    const uint32_t id = type("", BTF_KIND_FUNC_PROTO, static_cast<uint32_t>(params.size()), result);
    for (uint32_t param : params) words({string("p"), param});
    return id;
  }

  uint32_t next() const { return next_; }
  uint32_t string_bytes() const { return static_cast<uint32_t>(strings_.size()); }

  std::vector<char> bytes() const {
    btf_header header{};
    header.magic = BTF_MAGIC;
    header.version = BTF_VERSION;
    header.hdr_len = sizeof(header);
    header.type_len = static_cast<uint32_t>(types_.size());
    header.str_off = header.type_len;
    header.str_len = static_cast<uint32_t>(strings_.size());
    std::vector<char> out(sizeof(header) + types_.size() + strings_.size());
    std::memcpy(out.data(), &header, sizeof(header));
    std::copy(types_.begin(), types_.end(), out.begin() + sizeof(header));
    std::copy(strings_.begin(), strings_.end(), out.begin() + static_cast<long>(sizeof(header) + types_.size()));
    return out;
  }

 private:
  void words(std::initializer_list<uint32_t> list) {
    for (uint32_t word : list) {
      const auto* bytes = reinterpret_cast<const char*>(&word);
      types_.insert(types_.end(), bytes, bytes + sizeof(word));
    }
  }

  uint32_t next_;
  uint32_t first_string_;
  std::vector<char> types_;
  std::string strings_ = first_string_ == 0 ? std::string(1, '\0') : std::string();
};

class KernelInfo : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "trigon-kernel-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
    std::filesystem::create_directories(dir_ / "btf");
    std::filesystem::create_directories(dir_ / "tracefs/events/sched/sched_switch");
    write_types();
    write("tracefs/available_filter_functions", "ksys_read\nksys_write [mod]\nvfs_read\nksys_read\n");
    write("tracefs/events/sched/sched_switch/format", kFormat);
    trigon_namespaces host{};
    host.pid = 4;
    kernel_ = std::make_unique<RunningKernel>(
        host, RunningKernel::Paths{dir_ / "btf/vmlinux", dir_ / "btf", dir_ / "tracefs"});
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  void write(const std::string& name, const std::string& text) { std::ofstream(dir_ / name, std::ios::binary) << text; }
  void write(const std::string& name, const std::vector<char>& bytes) {
    write(name, std::string(bytes.begin(), bytes.end()));
  }

  // struct inner { int value; unsigned a:3; unsigned b:5; };
  // struct outer { char name[16]; struct inner *next; union { long id; struct { int low; int high; }; };
  //                struct inner many[4]; cap_t caps; };
  // int work(struct outer *, unsigned char, enum mode); typedef void (*btf_trace_switch)(void *, struct outer *);
  void write_types() {
    BtfWriter btf;
    const uint32_t integer = btf.integer("int", 4, BTF_INT_SIGNED);
    const uint32_t whole = btf.integer("unsigned int", 4);
    const uint32_t wide = btf.integer("long", 8, BTF_INT_SIGNED);
    const uint32_t character = btf.integer("char", 1, BTF_INT_SIGNED);
    const uint32_t byte = btf.integer("unsigned char", 1);
    const uint32_t inner = btf.structure("inner", 8, {{"value", integer, 0}, {"a", whole, 32, 3}, {"b", whole, 35, 5}});
    const uint32_t next = btf.pointer(btf.type("", BTF_KIND_CONST, 0, inner));
    const uint32_t halves = btf.structure("", 8, {{"low", integer, 0}, {"high", integer, 32}});
    const uint32_t either = btf.structure("", 8, {{"id", wide, 0}, {"", halves, 0}}, BTF_KIND_UNION);
    const uint32_t caps = btf.type("cap_t", BTF_KIND_TYPEDEF, 0, btf.structure("", 8, {{"val", wide, 0}}));
    const uint32_t outer = btf.structure("outer", 72,
                                         {{"name", btf.array(character, 16, whole), 0},
                                          {"next", next, 16 * 8},
                                          {"", either, 24 * 8},
                                          {"many", btf.array(inner, 4, whole), 32 * 8},
                                          {"caps", caps, 64 * 8}});
    const uint32_t mode = btf.type("mode", BTF_KIND_ENUM, 0, 4);
    outer_pointer_ = btf.pointer(outer);
    btf.function("work", integer, {outer_pointer_, byte, mode});
    btf.function("bpf_lsm_work_hook", integer, {outer_pointer_});
    const uint32_t probe = btf.pointer(btf.prototype(0, {btf.pointer(0), outer_pointer_}));
    btf.type("btf_trace_switch", BTF_KIND_TYPEDEF, 0, probe);
    write("btf/vmlinux", btf.bytes());

    BtfWriter module(btf.next(), btf.string_bytes());
    const uint32_t own = module.structure("module_state", 16, {{"outer", outer_pointer_, 64}});
    module.function("module_work", integer, {module.pointer(own)});
    write("btf/mod", module.bytes());
  }

  static constexpr const char* kFormat =
      "name: sched_switch\nID: 1\nformat:\n"
      "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
      "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
      "\tfield:char prev_comm[TASK_COMM_LEN];\toffset:8;\tsize:16;\tsigned:0;\n"
      "\tfield:unsigned long args[6];\toffset:24;\tsize:48;\tsigned:0;\n"
      "\tfield:const char * text;\toffset:72;\tsize:8;\tsigned:0;\n"
      "\tfield:__data_loc char[] filename;\toffset:80;\tsize:4;\tsigned:0;\n\n"
      "print fmt: \"field:%s\", REC->x\n";

  std::filesystem::path dir_;
  uint32_t outer_pointer_ = 0;
  std::unique_ptr<RunningKernel> kernel_;
};

TEST_F(KernelInfo, DescribesPrototypes) {
  const auto prototype = kernel_->function("work");
  ASSERT_TRUE(prototype.ok()) << prototype.error().message();
  ASSERT_EQ(prototype->args.size(), 3u);
  EXPECT_EQ(prototype->args[0].kind, Kind::kPointer);
  EXPECT_EQ(prototype->args[0].pointee, Kind::kStruct);
  EXPECT_EQ(prototype->args[0].name, "outer");
  EXPECT_EQ(prototype->args[1].size, 1u);
  EXPECT_FALSE(prototype->args[1].is_signed);
  EXPECT_EQ(prototype->args[2].kind, Kind::kEnum);
  EXPECT_EQ(prototype->args[2].name, "mode");
  EXPECT_EQ(prototype->result.name, "int");
  EXPECT_TRUE(prototype->result.is_signed);
}

TEST_F(KernelInfo, NamesNearFunctions) {
  const auto missing = kernel_->function("worke");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(missing.error().message(), HasSubstr("no function `worke` (absent, or inlined), did you mean `work`?"));
  EXPECT_THAT(kernel_->lsm("work_hok").error().message(), HasSubstr("did you mean `work_hook`?"));
  EXPECT_THAT(kernel_->raw_tracepoint("swich").error().message(), HasSubstr("did you mean `switch`?"));
}

TEST_F(KernelInfo, LeavesTheProbesOwnParameterOut) {
  const auto prototype = kernel_->raw_tracepoint("switch");
  ASSERT_TRUE(prototype.ok()) << prototype.error().message();
  ASSERT_EQ(prototype->args.size(), 1u);
  EXPECT_EQ(prototype->args[0].name, "outer");
  EXPECT_TRUE(kernel_->lsm("work_hook").ok());
}

TEST_F(KernelInfo, LooksIntoModules) {
  const auto prototype = kernel_->function("module_work");
  ASSERT_TRUE(prototype.ok()) << prototype.error().message();
  EXPECT_EQ(prototype->args[0].name, "module_state");
  EXPECT_EQ(prototype->result.name, "int") << "a type of the kernel's";
  const auto path = kernel_->resolve("module_state", "mod", "outer.next.value");
  ASSERT_TRUE(path.ok()) << path.error().message();
  EXPECT_THAT(path->offsets, ElementsAre(8, 16, 0));
  EXPECT_TRUE(kernel_->resolve("module_state", "", "outer").ok());
  EXPECT_THAT(kernel_->resolve("module_state", "nomod", "outer").error().message(), HasSubstr("module `nomod`"));
  EXPECT_FALSE(kernel_->resolve("module_state", "../btf/mod", "outer").ok());
}

struct PathCase {
  const char* path;
  std::vector<uint32_t> offsets;
  Kind kind;
  uint32_t size;
};

TEST_F(KernelInfo, FollowsPaths) {
  const PathCase cases[] = {
      {"name", {0}, Kind::kArray, 16},
      {"name[3]", {3}, Kind::kInteger, 1},
      {"next", {16}, Kind::kPointer, 8},
      {"next.value", {16, 0}, Kind::kInteger, 4},
      {"next[2].value", {16, 16}, Kind::kInteger, 4},
      {"id", {24}, Kind::kInteger, 8},
      {"high", {28}, Kind::kInteger, 4},
      {"many[3].value", {56}, Kind::kInteger, 4},
      {"caps", {64}, Kind::kStruct, 8},
      {"caps.val", {64}, Kind::kInteger, 8},
  };
  for (const PathCase& each : cases) {
    const auto path = kernel_->resolve("outer", "", each.path);
    ASSERT_TRUE(path.ok()) << each.path << ": " << path.error().message();
    EXPECT_EQ(path->offsets, each.offsets) << each.path;
    EXPECT_EQ(path->type.kind, each.kind) << each.path;
    EXPECT_EQ(path->type.size, each.size) << each.path;
  }
  EXPECT_EQ(kernel_->resolve("outer", "", "caps")->type.name, "cap_t") << "the only name it has";
  EXPECT_TRUE(kernel_->resolve("cap_t", "", "val").ok());
}

TEST_F(KernelInfo, LoadsBitFieldsFromTheirWord) {
  const auto path = kernel_->resolve("outer", "", "many[1].b");
  ASSERT_TRUE(path.ok()) << path.error().message();
  EXPECT_THAT(path->offsets, ElementsAre(32 + 8 + 4));
  EXPECT_EQ(path->type.size, 4u);
  EXPECT_EQ(path->bits, 5);
  EXPECT_EQ(path->bit_off, 3);
}

TEST_F(KernelInfo, SaysWhereAPathEnds) {
  const std::pair<const char*, const char*> cases[] = {
      {"nxt", "struct outer has no member `nxt`, did you mean `next`?"},
      {"id.x", "`id` has no members, it is `long`"},
      {"many[4]", "`many` has 4 elements, there is no [4]"},
      {"id[1]", "`id` is no array"},
      {"many[1].b.c", "`many[1].b` has no members"},
      {"", "is not a path of members"},
      {"next..value", "is not a path of members"},
      {"many[x]", "is not a path of members"},
      {"many[1", "is not a path of members"},
  };
  for (const auto& [path, message] : cases) {
    const auto result = kernel_->resolve("outer", "", path);
    ASSERT_FALSE(result.ok()) << path;
    EXPECT_THAT(result.error().message(), HasSubstr(message)) << path;
  }
  EXPECT_THAT(kernel_->resolve("outr", "", "x").error().message(),
              HasSubstr("no struct `outr`, did you mean `outer`?"));
}

TEST_F(KernelInfo, ReadsFormats) {
  const auto fields = kernel_->tracepoint("sched", "sched_switch");
  ASSERT_TRUE(fields.ok()) << fields.error().message();
  ASSERT_EQ(fields->size(), 6u);
  EXPECT_EQ((*fields)[1].name, "common_pid");
  EXPECT_TRUE((*fields)[1].is_signed);
  EXPECT_EQ((*fields)[2].name, "prev_comm");
  EXPECT_EQ((*fields)[2].array, 16u) << "its length is a name";
  EXPECT_EQ((*fields)[3].array, 6u);
  EXPECT_EQ((*fields)[3].offset, 24u);
  EXPECT_EQ((*fields)[4].name, "text");
  EXPECT_EQ((*fields)[4].type, "const char *");
  EXPECT_TRUE((*fields)[5].data_loc);
  EXPECT_EQ((*fields)[5].name, "filename");
  EXPECT_THAT(kernel_->tracepoint("sched", "none").error().message(), HasSubstr("no tracepoint `sched/none`"));
  EXPECT_FALSE(kernel_->tracepoint("..", "x").ok());
}

TEST_F(KernelInfo, FindsFunctionsByPattern) {
  const auto names = kernel_->functions("^ksys_(read|write)$");
  ASSERT_TRUE(names.ok()) << names.error().message();
  EXPECT_THAT(*names, ElementsAre("ksys_read", "ksys_write"));
  EXPECT_THAT(*kernel_->functions("read"), ElementsAre("ksys_read", "vfs_read")) << "not anchored";
  EXPECT_THAT(kernel_->functions("(").error().message(), HasSubstr("not a regular expression"));
}

TEST_F(KernelInfo, ForgetsAndReadsAgain) {
  ASSERT_TRUE(kernel_->function("module_work").ok());
  kernel_->forget();
  std::filesystem::remove(dir_ / "btf/mod");
  EXPECT_FALSE(kernel_->function("module_work").ok());
  EXPECT_TRUE(kernel_->function("work").ok());
  EXPECT_EQ(kernel_->host_namespaces().pid, 4u);
}

}  // namespace
}  // namespace trigon::engine
