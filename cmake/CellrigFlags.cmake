find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
find_program(MOLD_PROGRAM mold)

add_library(cellrig_flags INTERFACE)
target_compile_options(cellrig_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                       -Wno-missing-field-initializers)  # designated initializers leave the rest at its default on purpose
if(CELLRIG_SANITIZE STREQUAL "thread")
  # Asio uses atomic_thread_fence, which the thread sanitizer warns about; no -Werror there.
  target_compile_options(cellrig_flags INTERFACE -Wno-tsan)
else()
  target_compile_options(cellrig_flags INTERFACE -Werror)
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

# Rooms without Asio: they compile quickly, so the undefined-behaviour sanitizer goes there too.
function(cellrig_pure target)
  if(CELLRIG_SANITIZE_PURE)
    target_compile_options(${target} PRIVATE -fsanitize=${CELLRIG_SANITIZE_PURE} -fno-sanitize-recover=all)
  endif()
endfunction()
