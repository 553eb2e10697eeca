# caravan_embed(ROOM FOLDER)
# Puts the files of FOLDER into caravan_ROOM as a generated source, which defines caravan::page::embedded_files() of
# the room's embedded.h. As a script (-D OUTPUT=… -D FOLDER=… -P) it writes that source.
function(caravan_embed ROOM FOLDER)
  file(GLOB files CONFIGURE_DEPENDS ${FOLDER}/*.html ${FOLDER}/*.css ${FOLDER}/*.js ${FOLDER}/*.svg ${FOLDER}/openapi.json)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${ROOM}_files.cpp)
  list(JOIN files "|" names)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -D OUTPUT=${output} -D "FILES=${names}" -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${files} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    VERBATIM)
  # Clang warns of literals beyond the 64 KB that the standard promises; both compilers take far longer ones.
  set_source_files_properties(${output} PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
  target_sources(caravan_${ROOM} PRIVATE ${output})
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  string(REPLACE "|" ";" files "${FILES}")
  set(arrays "")
  set(rows "")
  set(index 0)
  foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME)
    file(READ ${file} hex HEX)
    file(SHA256 ${file} hash)
    string(SUBSTRING ${hash} 0 16 hash)
    # As a string literal: compilers take minutes for megabytes of numbers. Every byte is written as \xNN, and a literal
    # of its own begins every 32 bytes.
    string(REGEX REPLACE "(................................................................)" "\\1\"\n    \"" hex "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" hex "${hex}")
    string(APPEND arrays "constexpr char kFile${index}[] =\n    \"${hex}\";\n")
    string(APPEND rows "    {\"${name}\", {kFile${index}, sizeof kFile${index} - 1}, \"\\\"${hash}\\\"\"},\n")
    math(EXPR index "${index} + 1")
  endforeach()
  file(
    WRITE ${OUTPUT}
    "// Written by cmake/embed.cmake.\n#include <array>\n\n#include \"serve/page/embedded.h\"\n\n"
    "namespace caravan::page {\n\nnamespace {\n\n${arrays}\n"
    "constexpr std::array<EmbeddedFile, ${index}> kFiles = {{\n${rows}}};\n\n}  // namespace\n\n"
    "std::span<const EmbeddedFile> embedded_files() { return kFiles; }\n\n}  // namespace caravan::page\n")
endif()
