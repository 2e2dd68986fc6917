# trigon_bpf_object(<name> SOURCES <a.bpf.c …> [DEFINES <-DX …>])
#
# Compiles the .bpf.c files as one unit (as CMAKE_UNITY_BUILD does for C++) with clang for the BPF target and generates
# one skeleton, <name>.skel.h. The target <name>_skel carries the include directory; only userspace/bpf may link it.
#
# One unit and not `bpftool gen object`: bookworm's linker refuses weak kernel functions that two objects declare.
#
# clang-19 first: 21 is known to make verifier-hostile code of some programs, 14 is bookworm's default and works too.

find_program(TRIGON_BPF_CLANG NAMES clang-19 clang-18 clang-17 clang-16 clang-15 clang-14 clang REQUIRED)
find_program(TRIGON_BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin /usr/local/sbin REQUIRED)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64")
  set(TRIGON_BPF_ARCH x86)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(TRIGON_BPF_ARCH arm64)
else()
  message(FATAL_ERROR "trigon: no BPF register layout for ${CMAKE_SYSTEM_PROCESSOR}; x86_64 and aarch64 are known")
endif()

function(trigon_bpf_object name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEFINES" ${ARGN})
  set(unit "${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.c")
  set(object "${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o")
  set(skeleton "${CMAKE_CURRENT_BINARY_DIR}/skel/${name}.skel.h")
  set(text "")
  foreach(source ${ARG_SOURCES})
    string(APPEND text "#include \"${CMAKE_CURRENT_SOURCE_DIR}/${source}\"\n")
  endforeach()
  file(GENERATE OUTPUT "${unit}" CONTENT "${text}")
  add_custom_command(
    OUTPUT "${object}"
    COMMAND "${TRIGON_BPF_CLANG}" -g -O2 -target bpf -mcpu=v3 -std=gnu11
            -D__TARGET_ARCH_${TRIGON_BPF_ARCH} -D__bpf__=1 ${ARG_DEFINES}
            -Wall -Wextra -Werror -Wno-unused-parameter -Wno-unused-function
            -I "${CMAKE_SOURCE_DIR}" -MD -MF "${object}.d" -MT "${object}" -c "${unit}" -o "${object}"
    DEPFILE "${object}.d"
    DEPENDS "${unit}"
    COMMENT "BPF ${name}" VERBATIM)
  add_custom_command(
    OUTPUT "${skeleton}"
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${CMAKE_CURRENT_BINARY_DIR}/skel"
    COMMAND sh -c "'${TRIGON_BPFTOOL}' gen skeleton '${object}' name trigon_${name} > '${skeleton}'"
    DEPENDS "${object}"
    COMMENT "skeleton ${name}.skel.h" VERBATIM)
  add_custom_target(${name}_skel_gen DEPENDS "${skeleton}")
  add_library(${name}_skel INTERFACE)
  add_dependencies(${name}_skel ${name}_skel_gen)
  target_include_directories(${name}_skel SYSTEM INTERFACE "${CMAKE_CURRENT_BINARY_DIR}/skel")
endfunction()
