// What an exec event says, against what the program says of itself.
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <sched.h>

#include <algorithm>
#include <filesystem>

#include "fixture.h"

namespace trigon::host {
namespace {

class Exec : public SharedAgentTest {
 protected:
  static void SetUpTestSuite() { start({"--enable-process-cred", "--enable-process-ns"}); }

  // The exec event of the image that printed `fact`.
  static Json event_of(const Json& fact) { return agent().events().exec(fact.at("pid").get<pid_t>()); }

  // Invalid UTF-8 cannot be in JSON: each such byte becomes U+FFFD.
  static std::vector<std::string> argv_of(const Json& fact) {
    return split_vector(hex_to_bytes(text_at(fact, {"args"})));
  }
};

TEST_F(Exec, SaysWhoWhereAndWhat) {
  Folder folder;
  CommandOptions options;
  options.folder = folder.path();
  RUN_TRIGGER(done, {"self", "one", "two"}, options);
  const Json truth = done.fact("self");
  const Json event = event_of(truth);
  ASSERT_FALSE(event.is_null());
  const Json& process = event.at("process");
  EXPECT_EQ(process.at("pid"), truth.at("pid"));
  EXPECT_EQ(process.at("tid"), truth.at("tid"));
  EXPECT_EQ(process.at("uid"), truth.at("euid"));
  EXPECT_EQ(process.at("auid"), truth.value("loginuid", 4294967295u));
  EXPECT_EQ(process.at("binary"), truth.at("exe"));
  EXPECT_EQ(process.at("cwd"), truth.at("cwd"));
  EXPECT_EQ(process.at("arguments"), "one two");
  EXPECT_EQ(process.at("flags"), "execve clone");
  EXPECT_EQ(text_at(process, {"trigon", "argv"}), Json(argv_of(truth)).dump());
  EXPECT_EQ(at(process, {"trigon", "pid_in_ns"}), truth.at("inner_pid"));
  // No container, no privileges gained, a file with a name.
  EXPECT_FALSE(process.contains("docker"));
  EXPECT_FALSE(process.contains("binary_properties"));

  const Json& parent = event.at("parent");
  EXPECT_EQ(parent.at("pid"), ::getpid());
  EXPECT_EQ(parent.at("binary"), this_binary());
  EXPECT_EQ(process.at("parent_exec_id"), parent.at("exec_id"));
}

TEST_F(Exec, StartTimeIsOfTheRightClock) {
  RUN_TRIGGER(done, {"self"});
  const Json truth = done.fact("self");
  const Json event = event_of(truth);
  ASSERT_FALSE(event.is_null());
  const uint64_t start = std::stoull(text_at(event, {"process", "trigon", "start_boot_ns"}));
  const uint64_t tick = 1'000'000'000 / truth.at("ticks_per_second").get<uint64_t>();
  EXPECT_EQ(start / tick, truth.at("start_ticks").get<uint64_t>());
  // exec id: node:boot time of the exec:pid.
  const std::string id = base64_decode(text_at(event, {"process", "exec_id"}));
  const size_t last = id.rfind(':'), middle = id.rfind(':', last - 1);
  ASSERT_NE(middle, std::string::npos) << id;
  const uint64_t born = std::stoull(id.substr(middle + 1));
  EXPECT_EQ(id.substr(last + 1), std::to_string(truth.at("pid").get<int>()));
  EXPECT_GE(born, start);
  EXPECT_LE(born, truth.at("now_ns").get<uint64_t>());
  const int64_t wall = time_ns(text_at(event, {"process", "start_time"}));
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  EXPECT_LE(wall, now.tv_sec * 1'000'000'000LL + now.tv_nsec);
  EXPECT_GT(wall, (now.tv_sec - static_cast<int64_t>(patience(60))) * 1'000'000'000LL);
}

TEST_F(Exec, FileIsTheOneThatRan) {
  RUN_TRIGGER(done, {"self"});
  const Json truth = done.fact("self");
  const Json file = at(event_of(truth), {"process", "trigon", "file"});
  ASSERT_FALSE(file.is_null());
  EXPECT_EQ(file.at("inode"), std::to_string(truth.at("exe_inode").get<uint64_t>()));
  EXPECT_EQ(file.at("nlink"), truth.at("exe_nlink"));
  EXPECT_EQ(std::stoul(text_at(file, {"mode"}), nullptr, 8), truth.at("exe_mode").get<unsigned>());
  EXPECT_EQ(file.at("uid"), truth.at("exe_uid"));
  EXPECT_EQ(file.at("gid"), truth.at("exe_gid"));
  struct stat info {};
  ASSERT_EQ(::stat(trigger("self").c_str(), &info), 0);
  EXPECT_EQ(text_at(file, {"dev"}), std::to_string(major(info.st_dev)) + ":" + std::to_string(minor(info.st_dev)));
}

TEST_F(Exec, ArgumentsOfEveryKind) {
  RUN_TRIGGER(done, {"exec_args", "special"});
  const Json event = event_of(done.fact("self"));
  ASSERT_FALSE(event.is_null());
  const Json expected = {trigger("self"),
                         "",
                         "two words",
                         "tab\there",
                         "line\nfeed",
                         "double \"quotes\"",
                         "single 'quotes'",
                         "back\\slash",
                         "$HOME `id` * ?",
                         "caf\xc3\xa9",
                         "bad \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd end",
                         "\x01\x02\x1b[31m",
                         ""};
  EXPECT_EQ(at(event, {"process", "trigon", "argv"}), expected);
  // The joined text quotes what has white space, as pipelines know it.
  const std::string text = text_at(event, {"process", "arguments"});
  EXPECT_NE(text.find("\"two words\" "), std::string::npos) << text;
  EXPECT_NE(text.find(" back\\slash "), std::string::npos) << text;
  EXPECT_FALSE(has_word(text_at(event, {"process", "flags"}), "truncArgs"));
}

TEST_F(Exec, EmptyVector) {
  RUN_TRIGGER(done, {"exec_args", "none"});
  const Json event = event_of(done.fact("self"));
  ASSERT_FALSE(event.is_null());
  // Since 5.18 the kernel makes an empty string of it.
  EXPECT_LE(at(event, {"process", "trigon", "argv"}).size(), 1u);
  EXPECT_EQ(at(event, {"process", "arguments"}), Json());
}

// Around every size at which the way of transport changes, up to the longest that is carried whole.
TEST_F(Exec, VectorsOfEverySize) {
  const size_t name = trigger("self").size() + 1;
  for (const size_t whole :
       {2047u, 2048u, 2049u, 4095u, 4096u, 4097u, 32767u, 32768u, 32769u, 100000u, 131071u, 131072u}) {
    // Arguments of up to 4,000 bytes, so that none comes near the kernel's own limit.
    const size_t rest = whole - name, count = rest / 4000 + 1, each = rest / count - 1;
    const size_t total = name + count * (each + 1);
    RUN_TRIGGER(done, {"exec_args", "big", std::to_string(count), std::to_string(each)});
    const Json truth = done.fact("self");
    const Json event = event_of(truth);
    ASSERT_FALSE(event.is_null()) << total;
    ASSERT_EQ(hex_to_bytes(text_at(truth, {"args"})).size(), total);
    EXPECT_EQ(at(event, {"process", "trigon", "argv"}), Json(argv_of(truth))) << total;
    EXPECT_FALSE(has_word(text_at(event, {"process", "flags"}), "truncArgs")) << total;
  }
}

TEST_F(Exec, LongerVectorsAreCutAndSaySo) {
  RUN_TRIGGER(done, {"exec_args", "big", "10", "50000"});
  const Json truth = done.fact("self");
  const Json event = event_of(truth);
  ASSERT_FALSE(event.is_null());
  EXPECT_TRUE(has_word(text_at(event, {"process", "flags"}), "truncArgs"));
  const std::vector<std::string> expected = argv_of(truth);
  EXPECT_EQ(at(event, {"process", "trigon", "args_size"}), hex_to_bytes(text_at(truth, {"args"})).size());
  const Json argv = at(event, {"process", "trigon", "argv"});
  ASSERT_GE(argv.size(), 3u);
  EXPECT_EQ(argv[1], expected[1]);
  EXPECT_EQ(argv[2], expected[2]);
  size_t bytes = 0;
  for (size_t i = 0; i < argv.size(); ++i) {
    const std::string arg = argv[i];
    EXPECT_EQ(expected[i].substr(0, arg.size()), arg) << i;
    bytes += arg.size() + 1;
  }
  EXPECT_GE(bytes, 131072u);
  EXPECT_LE(bytes, 131073u);
}

TEST_F(Exec, RelativeNamesAreResolved) {
  const std::filesystem::path self = trigger("self");
  CommandOptions options;
  options.folder = self.parent_path().parent_path();
  Finished done = host::run(
      {self.parent_path().filename().string() + "/../" + self.parent_path().filename().string() + "/self"}, options);
  ASSERT_TRUE(agent().sync());
  const Json event = event_of(done.fact("self"));
  ASSERT_FALSE(event.is_null());
  EXPECT_EQ(text_at(event, {"process", "binary"}), done.fact("self").at("exe"));
  EXPECT_EQ(text_at(event, {"process", "cwd"}), options.folder);
}

TEST_F(Exec, SymbolicLinksAreResolved) {
  Folder folder;
  std::filesystem::create_symlink(trigger("self"), folder.file("link"));
  Finished done = host::run({folder.file("link")});
  ASSERT_TRUE(agent().sync());
  const Json event = event_of(done.fact("self"));
  ASSERT_FALSE(event.is_null());
  EXPECT_EQ(text_at(event, {"process", "binary"}), trigger("self"));
  EXPECT_EQ(text_at(event, {"process", "trigon", "filename"}), folder.file("link"));
}

TEST_F(Exec, RootAsWorkingDirectory) {
  CommandOptions options;
  options.folder = "/";
  RUN_TRIGGER(done, {"self"}, options);
  const Json event = event_of(done.fact("self"));
  EXPECT_EQ(text_at(event, {"process", "cwd"}), "/");
  EXPECT_TRUE(has_word(text_at(event, {"process", "flags"}), "rootcwd"));
}

TEST_F(Exec, DeletedFile) {
  RUN_TRIGGER(done, {"exec_deleted"});
  const Json truth = done.fact("self");
  const Json event = event_of(truth);
  ASSERT_FALSE(event.is_null());
  EXPECT_EQ(text_at(event, {"process", "binary"}), truth.at("exe"));
  EXPECT_EQ(text_at(event, {"process", "binary"}), text_at(done.fact("deleted"), {"path"}) + " (deleted)");
  EXPECT_EQ(at(event, {"process", "trigon", "file", "nlink"}), 0);
  EXPECT_EQ(text_at(event, {"process", "binary_properties", "file", "inode", "number"}),
            std::to_string(truth.at("exe_inode").get<uint64_t>()));
}

TEST_F(Exec, MemoryFile) {
  RUN_TRIGGER(done, {"exec_memfd"});
  const Json truth = done.fact("self");
  const Json event = event_of(truth);
  ASSERT_FALSE(event.is_null());
  EXPECT_EQ(text_at(event, {"process", "binary"}), "/memfd:trigon_payload (deleted)");
  EXPECT_EQ(text_at(event, {"process", "binary"}), truth.at("exe"));
  EXPECT_EQ(text_at(event, {"process", "arguments"}), "from memory");
  EXPECT_TRUE(at(event, {"process", "binary_properties", "file"}).is_object());
}

TEST_F(Exec, ScriptAndItsInterpreter) {
  RUN_TRIGGER(done, {"exec_script"});
  const Json truth = done.fact("script");
  const Json event = event_of(done.fact("self"));
  ASSERT_FALSE(event.is_null());
  EXPECT_EQ(text_at(event, {"process", "binary"}), truth.at("interpreter"));
  EXPECT_EQ(text_at(event, {"process", "trigon", "script"}), truth.at("path"));
  EXPECT_EQ(text_at(event, {"process", "trigon", "interpreter"}), truth.at("interpreter"));
  const Json argv = {truth.at("interpreter"), "-of script", truth.at("path"), "first", "second one"};
  EXPECT_EQ(at(event, {"process", "trigon", "argv"}), argv);
}

TEST_F(Exec, ByDescriptor) {
  RUN_TRIGGER(done, {"exec_fd", "empty"});
  const Json truth = done.fact("self");
  const Json event = event_of(truth);
  ASSERT_FALSE(event.is_null());
  EXPECT_EQ(text_at(event, {"process", "binary"}), trigger("self"));
  EXPECT_EQ(at(event, {"process", "trigon", "argv"}), Json({"by descriptor", "x"}));
}

TEST_F(Exec, RelativeToADescriptor) {
  RUN_TRIGGER(done, {"exec_fd", "relative"});
  const Json event = event_of(done.fact("self"));
  ASSERT_FALSE(event.is_null());
  EXPECT_EQ(text_at(event, {"process", "binary"}), trigger("self"));
}

TEST_F(Exec, InsideAChroot) {
  RUN_TRIGGER(done, {"chroot_exec"});
  const Json event = agent().events().exec(done.fact("child").at("pid"));
  ASSERT_FALSE(event.is_null());
  EXPECT_EQ(text_at(event, {"process", "binary"}), "/bin/inner");
  EXPECT_EQ(text_at(event, {"process", "cwd"}), "/bin");
  EXPECT_EQ(at(event, {"process", "trigon", "argv"}), Json({"/bin/inner", "jailed"}));
}

TEST_F(Exec, OnOverlayfs) {
  Folder folder;
  CommandOptions options;
  // In a mount namespace of its own: the mounts go with the process. Overlayfs wants an upper side that is no overlay.
  options.in_child = [&] {
    const std::string root = folder.path();
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
    if (::mount("upper", root.c_str(), "tmpfs", 0, nullptr) != 0) return false;
    for (const char* name : {"/upper", "/work", "/merged", "/lower"}) ::mkdir((root + name).c_str(), 0755);
    std::filesystem::copy_file(trigger("self"), root + "/lower/program");
    const std::string sides = "lowerdir=" + root + "/lower,upperdir=" + root + "/upper,workdir=" + root + "/work";
    return ::mount("overlay", (root + "/merged").c_str(), "overlay", 0, sides.c_str()) == 0;
  };
  const Finished done = host::run({folder.file("merged/program"), "from below"}, options);
  if (!done.unsupported().empty()) GTEST_SKIP() << "no overlayfs: " << done.unsupported();
  ASSERT_TRUE(agent().sync());
  const Json event = event_of(done.fact("self"));
  ASSERT_FALSE(event.is_null());
  EXPECT_EQ(text_at(event, {"process", "binary"}), folder.file("merged/program"));
}

TEST_F(Exec, ByAThreadThatIsNotTheLeader) {
  RUN_TRIGGER(done, {"thread_exec"});
  const Json thread = done.fact("thread"), truth = done.fact("self");
  const Json event = event_of(truth);
  ASSERT_FALSE(event.is_null());
  EXPECT_EQ(at(event, {"process", "pid"}), thread.at("pid"));
  EXPECT_EQ(at(event, {"process", "tid"}), truth.at("tid"));
  EXPECT_EQ(at(event, {"process", "trigon", "old_tid"}), thread.at("tid"));
  EXPECT_TRUE(lists(at(event, {"process", "trigon", "flags"}), "by_thread"));
  // One process, two images, one end.
  EXPECT_EQ(agent().events().execs(truth.at("pid")).size(), 2u);
  EXPECT_EQ(agent().events().exits(truth.at("pid")).size(), 1u);
}

TEST_F(Exec, AgainInTheSameProcess) {
  RUN_TRIGGER(done, {"exec_args", "plain", "next"});
  const auto execs = agent().events().execs(done.pid);
  ASSERT_EQ(execs.size(), 2u);
  EXPECT_EQ(text_at(execs[0], {"process", "flags"}), "execve clone");
  EXPECT_EQ(text_at(execs[1], {"process", "flags"}), "execve");
  // The image before is the parent.
  EXPECT_EQ(at(execs[1], {"process", "parent_exec_id"}), at(execs[0], {"process", "exec_id"}));
  EXPECT_EQ(at(execs[1], {"parent", "binary"}), trigger("exec_args"));
  const Json exit = agent().events().exit(done.pid);
  EXPECT_EQ(at(exit, {"process", "exec_id"}), at(execs[1], {"process", "exec_id"}));
}

TEST_F(Exec, FailedExecIsNoEvent) {
  CommandOptions options;
  const Finished done = host::run({"/nonexistent/program"}, options);
  ASSERT_TRUE(agent().sync());
  EXPECT_EQ(done.exit_code, 127);
  EXPECT_TRUE(agent().events().execs(done.pid).empty());
  const Json exit = agent().events().exit(done.pid);
  ASSERT_FALSE(exit.is_null());
  EXPECT_EQ(exit.value("status", 0), 127);
  EXPECT_EQ(text_at(exit, {"process", "flags"}), "clone");
}

TEST_F(Exec, LongPath) {
  Folder folder;
  std::filesystem::path deep = folder.path();
  for (int i = 0; i < 40; ++i) deep /= "level-" + std::to_string(i) + std::string(40, 'x');
  std::filesystem::create_directories(deep);
  std::filesystem::copy_file(trigger("self"), deep / "program");
  const Finished done = host::run({deep / "program"});
  ASSERT_TRUE(agent().sync());
  const Json event = event_of(done.fact("self"));
  ASSERT_FALSE(event.is_null());
  EXPECT_EQ(text_at(event, {"process", "binary"}), (deep / "program").string());
}

class Environment : public SharedAgentTest {
 protected:
  static void SetUpTestSuite() { start({"--enable-process-environment-variables"}); }
};

TEST_F(Environment, IsReportedWhenAskedFor) {
  CommandOptions options;
  options.environment = {"FIRST=1", "EMPTY=", "TEXT=with = and spaces", "PATH=/bin"};
  RUN_TRIGGER(done, {"self"}, options);
  const Json event = agent().events().exec(done.pid);
  ASSERT_FALSE(event.is_null());
  Json expected = Json::array({{{"Key", "FIRST"}, {"Value", "1"}},
                               {{"Key", "EMPTY"}},
                               {{"Key", "TEXT"}, {"Value", "with = and spaces"}},
                               {{"Key", "PATH"}, {"Value", "/bin"}}});
  EXPECT_EQ(at(event, {"process", "environment_variables"}), expected);
}

TEST_F(Environment, OfManyKilobytes) {
  RUN_TRIGGER(done, {"exec_args", "env", "20", "4000"});
  const Json event = agent().events().exec(done.pid);
  ASSERT_FALSE(event.is_null());
  EXPECT_EQ(at(event, {"process", "environment_variables"}).size(), 21u);
}

}  // namespace
}  // namespace trigon::host
