# Cross-compiles for aarch64 with Debian's compiler; scripts/aarch64_sysroot.sh unpacks the libraries. Tests run under
# qemu-user.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

get_filename_component(caravan_sysroot "${CMAKE_CURRENT_LIST_DIR}/../build/aarch64_sysroot" ABSOLUTE)
set(caravan_libraries ${caravan_sysroot}/usr/lib/aarch64-linux-gnu)
set(ENV{PKG_CONFIG_LIBDIR} ${caravan_libraries}/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${caravan_sysroot})
# OpenSSL keeps the headers that differ by architecture apart.
set(CMAKE_CXX_STANDARD_INCLUDE_DIRECTORIES ${caravan_sysroot}/usr/include/aarch64-linux-gnu)
# Libraries of libraries: libsentencepiece needs libprotobuf-lite.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,-rpath-link,${caravan_libraries}:${caravan_sysroot}/lib/aarch64-linux-gnu")
# The C library first: a host that has arm64 packages of its own would give one that does not fit the loader, whose threads
# hang.
set(CMAKE_CROSSCOMPILING_EMULATOR
    qemu-aarch64;-L;/usr/aarch64-linux-gnu;-E;LD_LIBRARY_PATH=/usr/aarch64-linux-gnu/lib:${caravan_libraries}:${caravan_sysroot}/lib/aarch64-linux-gnu)
