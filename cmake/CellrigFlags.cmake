find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  # These builds have precompiled headers (CellrigTest.cmake), whose results ccache keeps only when told what not to mind; and they begin
  # with an empty cache as a rule, so that each file is not read twice for a better chance of a hit.
  if(CMAKE_UNITY_BUILD)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_DEPEND=1 ${CCACHE_PROGRAM})
  endif()
endif()
find_program(MOLD_PROGRAM mold)

add_library(cellrig_flags INTERFACE)
target_compile_options(cellrig_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                       -Wno-missing-field-initializers)  # designated initializers leave the rest at its default on purpose
if(CELLRIG_SANITIZE STREQUAL "thread")
  # Asio uses atomic_thread_fence, which the thread sanitizer warns about; no -Werror there.
  target_compile_options(cellrig_flags INTERFACE -Wno-tsan)
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Builds for libFuzzer only: other warnings than those that the code is kept free of.
  target_compile_options(cellrig_flags INTERFACE -w)
else()
  target_compile_options(cellrig_flags INTERFACE -Werror)
endif()
# GCC 12 takes an empty std::optional, or a Result moved into a coroutine's promise, for uninitialised where it inlines much; once
# sanitizers have rewritten the code it does so nearly everywhere.
target_compile_options(cellrig_flags INTERFACE -Wno-maybe-uninitialized)
# And at -O2 it takes pieces of a std::string for overlapping, or for too short (GCC bugs 105651, 105329).
target_compile_options(cellrig_flags INTERFACE $<$<CONFIG:Release>:-Wno-restrict>
                       $<$<CONFIG:Release>:-Wno-stringop-overflow> $<$<CONFIG:Release>:-Wno-stringop-overread>
                       $<$<CONFIG:Release>:-Wno-array-bounds>)
# Of the coroutine frames that a thread is done with Asio keeps two for those that come next. An exchange is a dozen frames deep. In
# every file or in none: it is the layout of a class. A sanitizer sees less of a frame that is used again.
if(NOT CELLRIG_SANITIZE)
  add_compile_definitions(BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE=16)
endif()
if(CELLRIG_SANITIZE)
  target_compile_options(cellrig_flags INTERFACE -fsanitize=${CELLRIG_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(cellrig_flags INTERFACE -fsanitize=${CELLRIG_SANITIZE})
endif()
if(CELLRIG_SANITIZE_PURE)
  target_link_options(cellrig_flags INTERFACE -fsanitize=${CELLRIG_SANITIZE_PURE})
endif()
if(MOLD_PROGRAM)
  target_link_options(cellrig_flags INTERFACE -fuse-ld=mold)
endif()

# What a training run counted steers the compiler. What changed since, and what it never reached, is compiled for speed as ever.
if(CELLRIG_COUNTS STREQUAL "generate")
  add_compile_options(-fprofile-generate -fprofile-update=prefer-atomic)
  add_link_options(-fprofile-generate)
elseif(CELLRIG_COUNTS STREQUAL "use")
  add_compile_options(-fprofile-use -fprofile-partial-training -Wno-missing-profile -Wno-error=coverage-mismatch)
endif()

# Several files are compiled as one where nobody builds in steps (the presets ci and asan). GCC takes a file that is included for a
# header, in which no type may have a part of an anonymous namespace.
if(CMAKE_UNITY_BUILD)
  target_compile_options(cellrig_flags INTERFACE -Wno-subobject-linkage)
endif()

# Files of this folder that are compiled by themselves also there: what they call by a short name, others do, too; or the linker
# wraps a function that they define, and must see the calls of it.
function(cellrig_compile_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# Rooms without Asio: they compile quickly, so the undefined-behaviour sanitizer goes there too.
function(cellrig_pure target)
  if(CELLRIG_SANITIZE_PURE)
    target_compile_options(${target} PRIVATE -fsanitize=${CELLRIG_SANITIZE_PURE} -fno-sanitize-recover=all)
  endif()
endfunction()
