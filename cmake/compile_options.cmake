# One interface target that every room links: warnings are errors, sanitizers by preset.
add_library(caravan_options INTERFACE)
target_compile_options(
  caravan_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
                            -Wold-style-cast -Wcast-qual -Werror)
# GCC 12 sees overlapping copies in every concatenation of strings (its bug 105651).
target_compile_options(caravan_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
# Rounding must not depend on which expressions a compiler chose to contract: a fused multiply-add is written out.
target_compile_options(caravan_options INTERFACE -ffp-contract=off)

# What the fuzzers test reports its coverage, so that they find their way into it.
if(CARAVAN_BUILD_FUZZERS)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(CARAVAN_SANITIZE)
  add_compile_options(-fsanitize=${CARAVAN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CARAVAN_SANITIZE})
  # ThreadSanitizer knows no fences, and GCC refuses them with it; Asio's queue has locks that order the same.
  if(CARAVAN_SANITIZE MATCHES "thread")
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
  # GCC's own documentation warns that sanitizers make this warning see what is not there.
  target_compile_options(caravan_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()
