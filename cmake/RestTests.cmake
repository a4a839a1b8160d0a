include(GoogleTest)

# In a header for the few tests that need it, not on every command line: two checkouts then share a compiler cache.
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/tests/rest_source_dir.hpp
     CONTENT "#define REST_SOURCE_DIR \"@PROJECT_SOURCE_DIR@\"\n" @ONLY)

function(rest_test_program name)
  # Tests also look inside: at what a module's own headers declare.
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src)
  rest_set_warnings(${name})
  set_target_properties(${name} PROPERTIES BUILD_RPATH "${LibTorch_RUN_DIRS};$ORIGIN/../lib" RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_include_directories(${name} PRIVATE ${PROJECT_BINARY_DIR}/generated/tests)
endfunction()

function(rest_add_unit_tests name)
  cmake_parse_arguments(ARG "" "" "MODULES;LIBRARIES" ${ARGN})
  set(sources)
  foreach(module ${ARG_MODULES})
    file(GLOB module_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/unit/${module}/*_test.cpp)
    list(APPEND sources ${module_sources})
  endforeach()
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} GTest::gtest_main)
  rest_test_program(${name})
  if("rest_nn" IN_LIST ARG_LIBRARIES)
    target_precompile_headers(${name} PRIVATE <torch/torch.h>)
  endif()
  gtest_discover_tests(${name} TEST_PREFIX "unit." DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT 300 ENVIRONMENT "REST_PYTHON=${REST_PYTHON}")
endfunction()

# tests/gpu/main.cpp with every *_test.cpp: tests that need a GPU, skipped by name where there is none.
function(rest_add_gpu_tests)
  cmake_parse_arguments(ARG "" "DIRECTORY" "LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${ARG_DIRECTORY}/*.cpp)
  add_executable(gpu_tests ${sources})
  target_link_libraries(gpu_tests PRIVATE ${ARG_LIBRARIES} GTest::gtest)
  rest_test_program(gpu_tests)
  target_precompile_headers(gpu_tests REUSE_FROM unit_nn)
  gtest_discover_tests(gpu_tests TEST_PREFIX "gpu." DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300 LABELS gpu
    ENVIRONMENT "OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1")
endfunction()

# tests/mpi/main.cpp (session, failures of all ranks gathered at rank 0) with every *_test.cpp, one ctest entry a rank count.
function(rest_add_mpi_tests)
  cmake_parse_arguments(ARG "" "DIRECTORY" "RANKS;LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${ARG_DIRECTORY}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(mpi_tests ${sources})
  target_link_libraries(mpi_tests PRIVATE ${ARG_LIBRARIES} MPI::MPI_C GTest::gtest)
  rest_test_program(mpi_tests)
  # Under a sanitizer: Open MPI unloads its modules before leaks are looked for, which then cannot be told from ours.
  set(no_leaks "LSAN_OPTIONS=detect_leaks=0")
  # Between hosts, MPI sends only while it is called. Within one it need not, unless single copies are forbidden: so for
  # one of the counts.
  set(mpi_4_ranks_way ";OMPI_MCA_btl_vader_single_copy_mechanism=none;OMPI_MCA_btl_sm_single_copy_mechanism=none")
  foreach(ranks ${ARG_RANKS})
    add_test(NAME mpi.${ranks}_ranks
             COMMAND ${MPIEXEC_EXECUTABLE} --oversubscribe --bind-to none -n ${ranks} $<TARGET_FILE:mpi_tests>)
    set_tests_properties(mpi.${ranks}_ranks PROPERTIES TIMEOUT 300 PROCESSORS 2
      ENVIRONMENT "OMP_NUM_THREADS=1;OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1;OMPI_MCA_mpi_yield_when_idle=1;${no_leaks}${mpi_${ranks}_ranks_way}")
  endforeach()
endfunction()

# Each <folder>/*.sh (not starting with _) is one test; it gets the program folder in REST_BIN. Exit 77 means skipped.
function(rest_add_script_tests)
  foreach(folder ${ARGN})
    file(GLOB scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${folder}/[a-z]*.sh)
    foreach(script ${scripts})
      get_filename_component(name ${script} NAME_WE)
      add_test(NAME ${folder}.${name} COMMAND bash ${script})
      set_tests_properties(${folder}.${name} PROPERTIES TIMEOUT 1200 SKIP_RETURN_CODE 77 RUN_SERIAL ON
        ENVIRONMENT "REST_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY};REST_PYTHON=${REST_PYTHON};OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1;OMPI_MCA_mpi_yield_when_idle=1")
    endforeach()
  endforeach()
endfunction()
