if(EXISTS ${SOURCE}/.git)
  execute_process(COMMAND git describe --always --dirty WORKING_DIRECTORY ${SOURCE}
                  OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
else()
  # In an archive of the repository, git archive has written the revision into this file.
  file(STRINGS ${SOURCE}/cmake/revision.txt revision REGEX "^[0-9a-f]+$")
endif()
if(NOT revision)
  set(revision unknown)
endif()
file(WRITE ${HEADER}.new "#define REST_VERSION \"${VERSION}\"\n#define REST_REVISION \"${revision}\"\n")
execute_process(COMMAND ${CMAKE_COMMAND} -E copy_if_different ${HEADER}.new ${HEADER})
