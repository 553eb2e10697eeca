# caravan_room(NAME FOLDER [DEPENDS room...] [LIBRARIES lib...] [FLAGS flag...])
# One folder under src/ as one static library, caravan_NAME: every .cpp directly in FOLDER.
function(caravan_room NAME FOLDER)
  cmake_parse_arguments(ROOM "" "" "DEPENDS;LIBRARIES;FLAGS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${FOLDER}/*.cpp)
  add_library(caravan_${NAME} STATIC ${sources})
  target_include_directories(caravan_${NAME} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  list(TRANSFORM ROOM_DEPENDS PREPEND caravan_)
  target_link_libraries(caravan_${NAME} PUBLIC ${ROOM_DEPENDS} ${ROOM_LIBRARIES} PRIVATE caravan_options)
  # On the files, so that they come last and can take back a warning of caravan_options.
  set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS "${ROOM_FLAGS}")
endfunction()

# caravan_tests(NAME FOLDER DEPENDS room...)
# One folder under tests/ as one GoogleTest program, caravan_NAME_tests, each case a ctest test of its own.
function(caravan_tests NAME FOLDER)
  cmake_parse_arguments(ROOM "" "" "DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${FOLDER}/*.cpp)
  add_executable(caravan_${NAME}_tests ${sources})
  target_include_directories(caravan_${NAME}_tests PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  list(TRANSFORM ROOM_DEPENDS PREPEND caravan_)
  target_link_libraries(caravan_${NAME}_tests PRIVATE ${ROOM_DEPENDS} caravan_test_support caravan_options
                                                      GTest::gmock_main)
  # Tests run for an instant and compile for minutes: optimising them thoroughly takes half as long again.
  target_compile_options(caravan_${NAME}_tests PRIVATE $<$<CONFIG:Release>:-O1>)
  gtest_discover_tests(caravan_${NAME}_tests DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 600)
endfunction()
