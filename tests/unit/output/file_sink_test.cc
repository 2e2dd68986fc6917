#include "output/file_sink.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/unit/sys/fake_tree.h"

namespace trigon::output {
namespace {

// A destination with limited room.
struct Disk {
  std::string content;
  size_t room = SIZE_MAX;
  int error = ENOSPC;

  FileSink::WriteFunction writer() {
    return [this](int, const void* data, size_t size) -> ssize_t {
      if (room == 0) {
        errno = error;
        return -1;
      }
      const size_t n = std::min(size, room);
      content.append(static_cast<const char*>(data), n);
      room -= n;
      return static_cast<ssize_t>(n);
    };
  }
};

Fd null_fd() { return Fd(::open("/dev/null", O_WRONLY | O_CLOEXEC)); }

void put(FileSink* sink, std::string_view line) {
  sink->buffer().append(line);
  sink->buffer().append('\n');
  sink->commit();
}

void add_note(FileSink* sink) {
  sink->set_recovery_note([](uint64_t dropped, Buffer* out) {
    out->append("lost ");
    out->append(std::to_string(dropped));
    out->append('\n');
  });
}

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(FileSink, BuffersUntilTheEndOfTheBatch) {
  Disk disk;
  auto sink = FileSink::adopt(null_fd(), {}, disk.writer());
  put(sink.get(), "one");
  EXPECT_EQ(disk.content, "");
  sink->flush();
  EXPECT_EQ(disk.content, "one\n");
  EXPECT_EQ(sink->counters().events, 1u);
  EXPECT_EQ(sink->counters().bytes, 4u);
}

TEST(FileSink, CompletesHalfALineWhenThereIsRoomAgain) {
  Disk disk;
  auto sink = FileSink::adopt(null_fd(), {}, disk.writer());
  add_note(sink.get());
  disk.room = 6;
  for (const char* line : {"one", "two", "three", "four"}) put(sink.get(), line);
  sink->flush();
  EXPECT_EQ(disk.content, "one\ntw");
  EXPECT_EQ(sink->counters().events, 1u);
  EXPECT_EQ(sink->counters().dropped, 2u);
  EXPECT_GE(sink->counters().errors, 1u);
  put(sink.get(), "five");
  sink->flush();  // still full
  EXPECT_EQ(sink->counters().dropped, 3u);
  disk.room = SIZE_MAX;
  put(sink.get(), "six");
  sink->flush();
  EXPECT_EQ(disk.content, "one\ntwo\nlost 3\nsix\n");
  EXPECT_EQ(sink->counters().events, 3u);
  EXPECT_EQ(sink->counters().events + sink->counters().dropped, 6u);
}

TEST(FileSink, NoteOfRecoveryMayBeCutToo) {
  Disk disk;
  disk.room = 0;
  auto sink = FileSink::adopt(null_fd(), {}, disk.writer());
  add_note(sink.get());
  put(sink.get(), "one");
  sink->flush();
  disk.room = 3;
  put(sink.get(), "two");
  sink->flush();
  disk.room = SIZE_MAX;
  put(sink.get(), "three");
  sink->flush();
  EXPECT_EQ(disk.content, "lost 1\nlost 1\nthree\n");
  EXPECT_EQ(sink->counters().dropped, 2u);
}

TEST(FileSink, RecoversWithoutANewEvent) {
  Disk disk;
  disk.room = 0;
  auto sink = FileSink::adopt(null_fd(), {}, disk.writer());
  add_note(sink.get());
  put(sink.get(), "one");
  sink->flush();
  disk.room = SIZE_MAX;
  sink->flush();
  EXPECT_EQ(disk.content, "lost 1\n");
}

TEST(FileSink, FullDevice) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full";
  auto sink = FileSink::open({.path = "/dev/full"});
  ASSERT_TRUE(sink.ok());
  for (int i = 0; i < 100; ++i) put(sink->get(), "line");
  (*sink)->flush();
  EXPECT_EQ((*sink)->counters().dropped, 100u);
  EXPECT_EQ((*sink)->counters().events, 0u);
  EXPECT_FALSE((*sink)->broken());
}

TEST(FileSink, RegularFileIsCutBackToWholeLines) {
  const test::FakeTree dir({{"x", ""}});
  const std::string path = dir.root() + "/out";
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  size_t room = 6;
  auto sink = FileSink::adopt(std::move(fd), {}, [&](int out, const void* data, size_t size) -> ssize_t {
    if (room == 0) {
      errno = ENOSPC;
      return -1;
    }
    const ssize_t n = ::write(out, data, std::min(size, room));
    room -= static_cast<size_t>(n);
    return n;
  });
  add_note(sink.get());
  for (const char* line : {"one", "two", "three"}) put(sink.get(), line);
  sink->flush();
  EXPECT_EQ(read(path), "one\n");
  EXPECT_EQ(sink->counters().dropped, 2u);
  room = 1000;
  put(sink.get(), "four");
  sink->flush();
  EXPECT_EQ(read(path), "one\nlost 2\nfour\n");
}

TEST(FileSink, ClosedPipeIsBroken) {
  Disk disk;
  disk.room = 0;
  disk.error = EPIPE;
  auto sink = FileSink::adopt(null_fd(), {}, disk.writer());
  put(sink.get(), "one");
  sink->flush();
  EXPECT_TRUE(sink->broken());
}

TEST(FileSink, ModeReopenAndRotation) {
  const test::FakeTree dir({{"x", ""}});
  const std::string path = dir.root() + "/out";
  auto opened = FileSink::open({.path = path, .mode = 0640, .max_size_mb = 1, .max_backups = 2});
  ASSERT_TRUE(opened.ok());
  FileSink& sink = **opened;
  struct stat st {};
  ASSERT_EQ(::stat(path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0640u);
  put(&sink, "one");
  std::filesystem::rename(path, path + ".moved");
  ASSERT_TRUE(sink.reopen().ok());
  put(&sink, "two");
  sink.flush();
  EXPECT_EQ(read(path + ".moved"), "one\n");
  EXPECT_EQ(read(path), "two\n");
  const std::string big(600'000, 'x');
  for (int i = 0; i < 8; ++i) {
    put(&sink, big);
    sink.flush();
  }
  EXPECT_TRUE(std::filesystem::exists(path + ".1"));
  EXPECT_TRUE(std::filesystem::exists(path + ".2"));
  EXPECT_FALSE(std::filesystem::exists(path + ".3"));
  EXPECT_EQ(sink.counters().dropped, 0u);
}

TEST(FileSink, UnopenableFileIsAnError) {
  auto sink = FileSink::open({.path = "/nonexistent/x"});
  ASSERT_FALSE(sink.ok());
  EXPECT_EQ(sink.error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace trigon::output
