# Compiler settings that hold for all user-space code, and trigon_library(), the one way to add a folder.

find_program(TRIGON_CCACHE ccache)
if(TRIGON_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${TRIGON_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${TRIGON_CCACHE}")
endif()

add_library(trigon_flags INTERFACE)
target_compile_options(trigon_flags INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers
  -fno-omit-frame-pointer -fstack-protector-strong)
target_include_directories(trigon_flags INTERFACE "${CMAKE_SOURCE_DIR}" "${CMAKE_SOURCE_DIR}/userspace")
if(TRIGON_SANITIZE)
  target_compile_options(trigon_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined)
  target_link_options(trigon_flags INTERFACE -fsanitize=address,undefined)
else()
  # The binary runs on hosts whose libstdc++ is not ours; glibc stays dynamic.
  target_link_options(trigon_flags INTERFACE -static-libstdc++ -static-libgcc)
endif()

# trigon_library(<folder> DEPS <targets…>): a static library trigon_<folder> of every .cc in this directory.
# Dependencies are the whole story: tools/check_includes.py fails the lint when an include is not covered by them.
function(trigon_library name)
  cmake_parse_arguments(ARG "" "" "DEPS;PRIVATE_DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  if(sources)
    add_library(trigon_${name} STATIC ${sources})
    target_link_libraries(trigon_${name} PUBLIC trigon_flags ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
  else()
    add_library(trigon_${name} INTERFACE)
    target_link_libraries(trigon_${name} INTERFACE trigon_flags ${ARG_DEPS} ${ARG_PRIVATE_DEPS})
  endif()
endfunction()
