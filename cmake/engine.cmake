# DuckDB 1.4.4 from npm: the headers of `duckdb` and the library of its node bindings, which match exactly.
# tools/fetch-engine downloads them once into a cache folder and checks both against pinned sha512 hashes.
if(DEFINED ENV{WEIR_CACHE})
  set(WEIR_CACHE $ENV{WEIR_CACHE})
else()
  set(WEIR_CACHE $ENV{HOME}/.cache/weir)
endif()
set(DUCKDB_ROOT ${WEIR_CACHE}/duckdb-1.4.4)
if(NOT EXISTS ${DUCKDB_ROOT}/.complete)
  execute_process(COMMAND ${CMAKE_SOURCE_DIR}/tools/fetch-engine ${DUCKDB_ROOT} RESULT_VARIABLE fetched)
  if(NOT fetched EQUAL 0)
    message(FATAL_ERROR "tools/fetch-engine failed: see its message above")
  endif()
endif()
add_library(duckdb SHARED IMPORTED GLOBAL)
set_target_properties(duckdb PROPERTIES
  IMPORTED_LOCATION ${DUCKDB_ROOT}/lib/libduckdb.so
  IMPORTED_SONAME libduckdb.so
  INTERFACE_INCLUDE_DIRECTORIES ${DUCKDB_ROOT}/include)
