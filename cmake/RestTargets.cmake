# Targets of this project: C++17, warnings as errors, no compiler extensions.
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)
endif()
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # ccache refuses precompiled headers unless told that their defines and times do not matter.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE_PROGRAM})
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
endif()

# No math errno and no trapping math: neither changes a value, both let loops over sqrt and comparisons vectorise.
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fno-math-errno> $<$<COMPILE_LANGUAGE:CXX>:-fno-trapping-math>)

function(rest_set_warnings target)
  # GCC 12 takes nlohmann's temporaries for uninitialised.
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wno-maybe-uninitialized $<$<BOOL:${REST_WERROR}>:-Werror>)
endfunction()

# rest_add_library(NAME MODULES core comm ...): the sources of src/<module> with the headers of include/rest/<module>.
function(rest_add_library name)
  cmake_parse_arguments(ARG "" "" "MODULES" ${ARGN})
  set(sources)
  foreach(module ${ARG_MODULES})
    file(GLOB module_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${module}/*.cpp)
    list(APPEND sources ${module_sources})
  endforeach()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/include)
  rest_set_warnings(${name})
endfunction()

# One program a file: src/apps/rest_x.cpp becomes rest_x; the other files of the folder become library NAME, shared by all.
function(rest_add_programs name)
  cmake_parse_arguments(ARG "" "DIRECTORY" "LIBRARIES" ${ARGN})
  file(GLOB all CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${ARG_DIRECTORY}/*.cpp)
  file(GLOB mains CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${ARG_DIRECTORY}/rest_*.cpp)
  list(REMOVE_ITEM all ${mains})
  add_library(${name} STATIC ${all})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${name} PUBLIC ${ARG_LIBRARIES})
  rest_set_warnings(${name})
  foreach(main ${mains})
    get_filename_component(program ${main} NAME_WE)
    add_executable(${program} ${main})
    target_link_libraries(${program} PRIVATE ${name})
    rest_set_warnings(${program})
    set_target_properties(${program} PROPERTIES BUILD_RPATH "${LibTorch_RUN_DIRS};$ORIGIN/../lib")
    rest_install_program(${program})
  endforeach()
endfunction()

# The git revision, looked up at every build, written only when it changed.
function(rest_embed_revision target)
  set(header ${CMAKE_BINARY_DIR}/generated/rest_revision.hpp)
  add_custom_target(rest_revision
    COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DHEADER=${header} -DVERSION=${PROJECT_VERSION}
            -P ${PROJECT_SOURCE_DIR}/cmake/write_revision.cmake
    BYPRODUCTS ${header})
  add_dependencies(${target} rest_revision)
  target_include_directories(${target} PRIVATE ${CMAKE_BINARY_DIR}/generated)
endfunction()
