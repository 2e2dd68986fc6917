#include "enrich/container.h"

#include <gtest/gtest.h>

#include <string>

#include "enrich/context.h"

namespace trigon::enrich {
namespace {

using process::ContainerRuntime;

const std::string kId = "0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f60718293a4b5c6d7e8f9a0b1c2d3e4f5";

struct Shape {
  std::string path;
  std::string id;  // empty: no container
  ContainerRuntime runtime = ContainerRuntime::kNone;
};

class ContainerShapes : public ::testing::TestWithParam<Shape> {};

TEST_P(ContainerShapes, AreRecognised) {
  const auto container = container_of(GetParam().path);
  if (GetParam().id.empty()) {
    EXPECT_FALSE(container) << container->id;
    return;
  }
  ASSERT_TRUE(container) << GetParam().path;
  EXPECT_EQ(container->id, GetParam().id);
  EXPECT_EQ(process::runtime_name(container->runtime), process::runtime_name(GetParam().runtime));
}

INSTANTIATE_TEST_SUITE_P(
    Paths, ContainerShapes,
    ::testing::Values(
        Shape{"/docker/" + kId, kId, ContainerRuntime::kDocker},
        Shape{"/docker/" + kId + "/init.scope", kId, ContainerRuntime::kDocker},
        Shape{"/system.slice/docker-" + kId + ".scope", kId, ContainerRuntime::kDocker},
        Shape{"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" + kId + ".scope", kId,
              ContainerRuntime::kDocker},
        Shape{"/kubepods/besteffort/pod1b2c/" + kId, kId, ContainerRuntime::kUnknown},
        Shape{"/kubepods/pod1b2c/" + kId, kId, ContainerRuntime::kUnknown},
        Shape{
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-" + kId + ".scope",
            kId, ContainerRuntime::kContainerd},
        Shape{"/kubepods.slice/kubepods-pod1_2.slice/crio-" + kId + ".scope/container", kId, ContainerRuntime::kCrio},
        Shape{"/kubepods.slice/kubepods-pod1_2.slice/docker-" + kId + ".scope", kId, ContainerRuntime::kDocker},
        Shape{"/kubepods.slice/kubepods-pod1_2.slice/kata-" + kId + ".scope", kId, ContainerRuntime::kUnknown},
        Shape{"/kubepods/burstable/pod1b2c/crio-" + kId, kId, ContainerRuntime::kCrio},
        Shape{"/kubepods/burstable/pod1b2c/crio-conmon-" + kId, ""},
        Shape{"/default/" + kId, kId, ContainerRuntime::kContainerd},
        Shape{"/libpod_parent/libpod-" + kId, kId, ContainerRuntime::kPodman},
        Shape{"/machine.slice/libpod-" + kId + ".scope", kId, ContainerRuntime::kPodman},
        Shape{"/machine.slice/libpod-" + kId + ".scope/container", kId, ContainerRuntime::kPodman},
        Shape{"/machine.slice/libpod-conmon-" + kId + ".scope", ""},
        Shape{"/machine.slice/systemd-nspawn@web.service/payload", "web", ContainerRuntime::kNspawn},
        Shape{"/machine.slice/machine-web.scope", "web", ContainerRuntime::kNspawn},
        Shape{"/lxc/web/init.scope", "web", ContainerRuntime::kLxc},
        Shape{"/lxc.payload.web", "web", ContainerRuntime::kLxc},
        // docker in docker: the innermost
        Shape{"/docker/" + std::string(64, 'a') + "/docker/" + kId, kId, ContainerRuntime::kDocker}, Shape{"/", ""},
        Shape{"", ""}, Shape{"/system.slice/ssh.service", ""}, Shape{"/user.slice/user-0.slice", ""},
        Shape{"/kubepods/besteffort/pod1b2c", ""}, Shape{"/docker/short", ""},
        Shape{"/system.slice/docker-short.scope", ""}));

class FakeResolver : public sys::CgroupResolver {
 public:
  std::optional<std::string> resolve(uint64_t id, uint32_t, uint32_t) override {
    if (id != 42) return std::nullopt;
    return "/docker/" + kId;
  }
};

TEST(ContextEnricher, FillsPathAndContainer) {
  FakeResolver resolver;
  ContextEnricher enricher(&resolver);
  process::Context context;
  context.cgroup_id = 42;
  enricher.complete(1, &context);
  EXPECT_EQ(context.container_id, kId);
  EXPECT_EQ(context.runtime, ContainerRuntime::kDocker);
  process::Context other;
  other.cgroup_id = 43;
  enricher.complete(1, &other);
  EXPECT_TRUE(other.container_id.empty());
}

}  // namespace
}  // namespace trigon::enrich
