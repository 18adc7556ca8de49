# Compiler flags for our own code, the sanitizer a preset asks for, and the tools that make a build quick.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(WEIR_SANITIZE "" CACHE STRING "address,undefined | thread | fuzzer,address | empty")
option(WEIR_FUZZ "build the libFuzzer targets (clang)" OFF)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD AND NOT WEIR_FUZZ)
  add_link_options(-fuse-ld=mold)
endif()

# Flags of our own code only; weir_room() adds them, third-party sources never see them.
set(WEIR_WARNINGS -Wall -Wextra -Wconversion -Wshadow -Wnon-virtual-dtor -Werror -Werror=unused-result)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 at -O2 sees overlaps and overruns inside std::string's own operator+ that are not there (GCC bug 105651).
  list(APPEND WEIR_WARNINGS -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow)
else()
  # Clang reads GUARDED_BY and REQUIRES; its -Wconversion would bring sign-conversion too, which g++'s does not.
  list(APPEND WEIR_WARNINGS -Wthread-safety -Wno-sign-conversion)
endif()
if(WEIR_FUZZ)
  set(WEIR_WARNINGS -Wall)  # the fuzz build is about inputs; g++ holds the line on warnings
endif()
if(WEIR_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND WEIR_WARNINGS -Wno-maybe-uninitialized -Wno-stringop-overread)  # the instrumented code looks so to g++; it says so in its manual
  if(WEIR_SANITIZE STREQUAL "thread")
    list(APPEND WEIR_WARNINGS -Wno-tsan)  # Boost's fences, which it cannot follow
  endif()
endif()
if(WEIR_SANITIZE)
  add_compile_options(-fsanitize=${WEIR_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${WEIR_SANITIZE})
endif()
if(WEIR_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()
# x86-64-v2 (2009): CRC32C and SSE4.2 without a run-time switch; the oldest machine DuckDB's own build expects.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  add_compile_options(-march=x86-64-v2)
endif()
find_package(Threads REQUIRED)
