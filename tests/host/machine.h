// What the tests run on: where the programs under test are, what this kernel and this user may do.
#pragma once

#include <string>
#include <string_view>

namespace trigon::host {

// $TRIGON_BIN, else beside the build that this program belongs to.
std::string trigon_binary();
// $TRIGON_TRIGGERS/name.
std::string trigger(std::string_view name);
std::string this_binary();

// Why nothing that needs BPF can run here; empty: it can.
std::string why_no_bpf();

// Under software emulation everything takes about 16 times as long: tests then do less of the same.
bool is_emulated();
// Seconds on a real machine to seconds here.
double patience(double seconds);

}  // namespace trigon::host
