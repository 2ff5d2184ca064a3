# SPDX-License-Identifier: MIT
# Options that make a build faster. SESSLIMIT_FAST_BUILD=ON compiles the sources of a component together, precompiles
# the headers of the standard library, and reduces the debug information of tests. SESSLIMIT_FAST_BUILD=UNITY compiles
# the sources of a component together, and only tests with the other options. Each file must also compile alone, which
# `tests/run lint` checks.
include(CheckLinkerFlag)

# Compiles the sources of a target together. Names in anonymous namespaces must therefore be unique in a component.
function(sesslimit_unity_build name)
  get_target_property(sources ${name} SOURCES)
  list(LENGTH sources count)
  if(SESSLIMIT_FAST_BUILD AND count GREATER 1)
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON)
  endif()
endfunction()

# Compiles the sources of a target together and with precompiled headers. Must follow the definition of the target.
# Clang reports warnings about precompiled headers of the standard library, so that only GCC uses them.
function(sesslimit_fast_build name)
  sesslimit_unity_build(${name})
endfunction()

if(NOT SESSLIMIT_FAST_BUILD OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  return()
endif()

check_linker_flag(CXX -fuse-ld=lld sesslimit_has_lld)

# The compiler rejects precompiled headers if the target is compiled with other options. Programs are therefore compiled
# with -fPIC, and tests have headers of their own. Debug information of tests contains functions and lines, but no
# variables. Tests are optimized less than the code that they test.
set(sesslimit_test_options -g1)
if(SESSLIMIT_SANITIZE)
  list(APPEND sesslimit_test_options -O0)
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  list(APPEND sesslimit_test_options -O1) # _FORTIFY_SOURCE needs some optimization
endif()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/precompiled.cpp CONTENT "// See cmake/FastBuild.cmake.\n")
foreach(kind sources tests)
  add_library(sesslimit_headers_of_${kind} OBJECT EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/precompiled.cpp)
  target_link_libraries(sesslimit_headers_of_${kind} PRIVATE sesslimit_build)
  target_precompile_headers(sesslimit_headers_of_${kind} PRIVATE <algorithm> <array> <chrono> <cstdint> <cstdlib>
    <cstring> <expected> <filesystem> <fstream> <functional> <map> <memory> <optional> <set> <span> <sstream> <string>
    <string_view> <unordered_map> <utility> <variant> <vector>)
endforeach()
target_compile_options(sesslimit_headers_of_tests PRIVATE ${sesslimit_test_options})

function(sesslimit_fast_build name)
  sesslimit_unity_build(${name})
  if(CMAKE_CURRENT_SOURCE_DIR MATCHES "^${PROJECT_SOURCE_DIR}/tests")
    target_compile_options(${name} PRIVATE -fPIC ${sesslimit_test_options})
    target_link_options(${name} PRIVATE $<$<BOOL:${sesslimit_has_lld}>:-fuse-ld=lld>)
    target_precompile_headers(${name} REUSE_FROM sesslimit_headers_of_tests)
  elseif(NOT SESSLIMIT_FAST_BUILD STREQUAL "UNITY")
    target_compile_options(${name} PRIVATE -fPIC)
    target_precompile_headers(${name} REUSE_FROM sesslimit_headers_of_sources)
  endif()
endfunction()
