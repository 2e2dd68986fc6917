#include "output/arg_form.h"

#include <iterator>

#include "bpf/abi/policy.h"

namespace trigon::output {
namespace {

constexpr struct {
  std::string_view type;
  ArgForm form;
} kTypes[] = {{"auto", ArgForm::kByField},
              {"int", ArgForm::kInt},
              {"sint8", ArgForm::kInt},
              {"int8", ArgForm::kInt},
              {"sint16", ArgForm::kInt},
              {"int16", ArgForm::kInt},
              {"sint32", ArgForm::kInt},
              {"int32", ArgForm::kInt},
              {"uint8", ArgForm::kUint},
              {"uint16", ArgForm::kUint},
              {"uint32", ArgForm::kUint},
              {"long", ArgForm::kLong},
              {"sint64", ArgForm::kLong},
              {"int64", ArgForm::kLong},
              {"ulong", ArgForm::kSize},
              {"uint64", ArgForm::kSize},
              {"size_t", ArgForm::kSize},
              {"string", ArgForm::kString},
              {"filename", ArgForm::kString},
              {"net_device", ArgForm::kString},
              {"data_loc", ArgForm::kString},
              {"char_buf", ArgForm::kBytes},
              {"char_iovec", ArgForm::kBytes},
              {"iov_iter", ArgForm::kBytes},
              {"const_buf", ArgForm::kBytes},
              {"fd", ArgForm::kFile},
              {"file", ArgForm::kFile},
              {"kiocb", ArgForm::kFile},
              {"path", ArgForm::kPath},
              {"dentry", ArgForm::kPath},
              {"linux_binprm", ArgForm::kBinprm},
              {"skb", ArgForm::kSkb},
              {"sock", ArgForm::kSock},
              {"socket", ArgForm::kSock},
              {"sockaddr", ArgForm::kSockaddr},
              {"sockaddr_un", ArgForm::kSockaddr},
              {"cred", ArgForm::kCred},
              {"user_namespace", ArgForm::kUserNs},
              {"capability", ArgForm::kCapability},
              {"kernel_cap_t", ArgForm::kCapSet},
              {"cap_inheritable", ArgForm::kCapInheritable},
              {"cap_permitted", ArgForm::kCapPermitted},
              {"cap_effective", ArgForm::kCapEffective},
              {"load_info", ArgForm::kModule},
              {"module", ArgForm::kModule},
              {"bpf_attr", ArgForm::kBpfAttr},
              {"bpf_prog", ArgForm::kBpfProg},
              {"bpf_map", ArgForm::kBpfMap},
              {"perf_event", ArgForm::kPerfEvent},
              {"bpf_cmd", ArgForm::kBpfCmd},
              {"syscall64", ArgForm::kSyscall}};

// What a field's data is.
enum class Content : uint8_t {
  kValue,  // nothing but the number
  kText,
  kBytes,
  kPath,
  kSockaddr,
  kSkb,
  kSock,
  kCred,
  kUserNs,
  kModule,
  kBpfProg,
  kBpfMap,
  kPerfEvent
};

constexpr struct {
  Content content;
  ArgForm form;
} kFields[] = {
    {Content::kValue, ArgForm::kInt},            // NONE
    {Content::kValue, ArgForm::kInt},            // INT32
    {Content::kValue, ArgForm::kUint},           // UINT32
    {Content::kValue, ArgForm::kLong},           // INT64
    {Content::kValue, ArgForm::kSize},           // UINT64
    {Content::kText, ArgForm::kString},          // STRING
    {Content::kPath, ArgForm::kFile},            // FD
    {Content::kBytes, ArgForm::kBytes},          // CHAR_BUF
    {Content::kSockaddr, ArgForm::kSockaddr},    // SOCKADDR
    {Content::kValue, ArgForm::kSyscall},        // SYSCALL
    {Content::kValue, ArgForm::kInt},            // INT16
    {Content::kValue, ArgForm::kUint},           // UINT16
    {Content::kValue, ArgForm::kInt},            // INT8
    {Content::kValue, ArgForm::kUint},           // UINT8
    {Content::kText, ArgForm::kString},          // FILENAME
    {Content::kText, ArgForm::kString},          // NET_DEVICE
    {Content::kText, ArgForm::kString},          // DATA_LOC
    {Content::kPath, ArgForm::kFile},            // FILE
    {Content::kPath, ArgForm::kPath},            // PATH
    {Content::kPath, ArgForm::kPath},            // DENTRY
    {Content::kPath, ArgForm::kFile},            // KIOCB
    {Content::kPath, ArgForm::kBinprm},          // BINPRM
    {Content::kBytes, ArgForm::kBytes},          // CHAR_IOVEC
    {Content::kBytes, ArgForm::kBytes},          // IOV_ITER
    {Content::kSkb, ArgForm::kSkb},              // SKB
    {Content::kSock, ArgForm::kSock},            // SOCK
    {Content::kSock, ArgForm::kSock},            // SOCKET
    {Content::kCred, ArgForm::kCred},            // CRED
    {Content::kUserNs, ArgForm::kUserNs},        // USER_NS
    {Content::kValue, ArgForm::kCapSet},         // CAP_SET
    {Content::kModule, ArgForm::kModule},        // LOAD_INFO
    {Content::kModule, ArgForm::kModule},        // MODULE
    {Content::kBpfProg, ArgForm::kBpfAttr},      // BPF_ATTR
    {Content::kBpfProg, ArgForm::kBpfProg},      // BPF_PROG
    {Content::kBpfMap, ArgForm::kBpfMap},        // BPF_MAP
    {Content::kPerfEvent, ArgForm::kPerfEvent},  // PERF_EVENT
    {Content::kBytes, ArgForm::kString},         // CONST_BUF: arrays of characters hold names
};
static_assert(std::size(kFields) == TRIGON_ARG_TYPES);

constexpr bool can_show(ArgForm form, Content content) {
  switch (form) {
    case ArgForm::kByField:
    case ArgForm::kForms:
      return false;
    case ArgForm::kInt:
    case ArgForm::kUint:
    case ArgForm::kLong:
    case ArgForm::kSize:
    case ArgForm::kCapability:
    case ArgForm::kCapSet:
    case ArgForm::kCapInheritable:
    case ArgForm::kCapPermitted:
    case ArgForm::kCapEffective:
    case ArgForm::kBpfCmd:
    case ArgForm::kSyscall:
      return true;  // every field has a value
    case ArgForm::kString:
    case ArgForm::kBytes:
      return content == Content::kText || content == Content::kBytes || content == Content::kPath;
    case ArgForm::kFile:
    case ArgForm::kPath:
    case ArgForm::kBinprm:
      return content == Content::kText || content == Content::kPath;
    case ArgForm::kSkb:
      return content == Content::kSkb;
    case ArgForm::kSock:
      return content == Content::kSock;
    case ArgForm::kSockaddr:
      return content == Content::kSockaddr;
    case ArgForm::kCred:
      return content == Content::kCred;
    case ArgForm::kUserNs:
      return content == Content::kUserNs;
    case ArgForm::kModule:
      return content == Content::kModule;
    case ArgForm::kBpfAttr:
    case ArgForm::kBpfProg:
      return content == Content::kBpfProg;
    case ArgForm::kBpfMap:
      return content == Content::kBpfMap;
    case ArgForm::kPerfEvent:
      return content == Content::kPerfEvent;
  }
  return false;
}

// form_of() for every pair, so that an event pays one load.
struct Choices {
  ArgForm form[static_cast<size_t>(ArgForm::kForms)][TRIGON_ARG_TYPES] = {};
  constexpr Choices() {
    for (size_t wanted = 0; wanted < std::size(form); ++wanted) {
      for (size_t type = 0; type < TRIGON_ARG_TYPES; ++type) {
        const auto as = static_cast<ArgForm>(wanted);
        form[wanted][type] = can_show(as, kFields[type].content) ? as : kFields[type].form;
      }
    }
  }
};
constexpr Choices kChoices;

}  // namespace

ArgForm arg_form(std::string_view type) {
  for (const auto& entry : kTypes) {
    if (entry.type == type) return entry.form;
  }
  return ArgForm::kByField;
}

ArgForm form_of(ArgForm wanted, uint8_t field_type) {
  constexpr uint8_t kUnknown = TRIGON_ARG_NONE;
  return kChoices.form[static_cast<size_t>(wanted)][field_type < TRIGON_ARG_TYPES ? field_type : kUnknown];
}

}  // namespace trigon::output
