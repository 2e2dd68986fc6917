// How a value is shown: decided by the type that the policy wrote, as far as the record's field can be shown so.
#pragma once

#include <cstdint>
#include <string_view>

namespace trigon::output {

enum class ArgForm : uint8_t {
  kByField,  // "auto", and names that this version does not know: as the field's own type says
  kInt,
  kUint,
  kLong,
  kSize,
  kString,
  kBytes,
  kFile,
  kPath,
  kBinprm,
  kSkb,
  kSock,
  kSockaddr,
  kCred,
  kUserNs,
  kCapability,
  kCapSet,
  kCapInheritable,
  kCapPermitted,
  kCapEffective,
  kModule,
  kBpfAttr,
  kBpfProg,
  kBpfMap,
  kPerfEvent,
  kBpfCmd,
  kSyscall,
  kForms
};

// Of a type as the policy writes it.
ArgForm arg_form(std::string_view type);

// `wanted` when a field of this type (enum trigon_arg_type) carries what it needs, else the form of the field itself:
// never kByField, and never a form whose structure the field does not have.
ArgForm form_of(ArgForm wanted, uint8_t field_type);

}  // namespace trigon::output
