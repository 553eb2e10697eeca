# Where ccache is installed, builds go through it: a file that any clone of this machine compiled alike is not compiled
# again. Paths below the clone do not count, so that clones in other folders share what they have in common.
find_program(CARAVAN_CCACHE ccache)
if(CARAVAN_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_COMPILERCHECK=content
      ${CARAVAN_CCACHE})
endif()
