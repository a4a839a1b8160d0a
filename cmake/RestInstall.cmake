# `cmake --install`: PREFIX/bin (programs), PREFIX/lib/rest (LibTorch and what it loads), PREFIX/share/rest (job scripts,
# experiments, synthetic corpus, analysis scripts). Programs and scripts find each other by relative paths, so that PREFIX
# may be moved; what Debian packages bring (Open MPI, HDF5, ...) stays where the system has it.
option(REST_INSTALL_TORCH "Install LibTorch and the CUDA libraries it loads, too" ON)
set(REST_INSTALL_LIBRARY_DIR lib/rest)
# All that is installed, without the tests: cmake --build --preset release --target programs
add_custom_target(programs)

# rest_install_program(TARGET): into bin, with its libraries remembered for rest_install_libraries.
function(rest_install_program program)
  set(run_path "$ORIGIN/../${REST_INSTALL_LIBRARY_DIR}")
  if(NOT REST_INSTALL_TORCH)
    list(APPEND run_path ${LibTorch_RUN_DIRS})
  endif()
  set_target_properties(${program} PROPERTIES INSTALL_RPATH "${run_path};${CMAKE_INSTALL_RPATH}")
  add_dependencies(programs ${program})
  install(TARGETS ${program} RUNTIME_DEPENDENCY_SET rest_libraries RUNTIME DESTINATION bin)
endfunction()

# The part for GPUs, which the programs load by name, with what LibTorch needs for it: wheels bring that beside LibTorch,
# while a CUDA toolkit of the system, like the driver, stays where it is.
function(rest_install_cuda)
  set(run_path "$ORIGIN" ${CUDAToolkit_LIBRARY_DIR})
  if(NOT REST_INSTALL_TORCH)
    list(APPEND run_path ${LibTorch_RUN_DIRS})
  else()
    foreach(directory ${LibTorch_RUN_DIRS})
      file(GLOB libraries ${directory}/libtorch_cuda*.so ${directory}/libc10_cuda.so ${directory}/libcaffe2_nvrtc.so
           ${directory}/libtorch_nvshmem.so ${directory}/libcu*.so.* ${directory}/libnccl.so.* ${directory}/libnvrtc*.so.*
           ${directory}/libnvJitLink.so.* ${directory}/libnvshmem_host.so.*)
      install(FILES ${libraries} DESTINATION ${REST_INSTALL_LIBRARY_DIR})
    endforeach()
  endif()
  set_target_properties(rest_cuda PROPERTIES INSTALL_RPATH "${run_path}")
  add_dependencies(programs rest_cuda)
  install(TARGETS rest_cuda LIBRARY DESTINATION ${REST_INSTALL_LIBRARY_DIR})
endfunction()

# Of all libraries the programs load, those that lie with LibTorch, unless that is where the system has all its libraries.
function(rest_install_libraries)
  if(NOT REST_INSTALL_TORCH)
    return()
  endif()
  set(with_torch)
  foreach(directory ${LibTorch_RUN_DIRS})
    file(REAL_PATH ${directory} real_directory)
    if(real_directory MATCHES "^/usr/lib")
      continue()
    endif()
    foreach(path ${directory} ${real_directory})
      string(REGEX REPLACE "([][+.*()^$?|\\])" "\\\\\\1" pattern ${path})
      list(APPEND with_torch "^${pattern}/")
    endforeach()
  endforeach()
  list(REMOVE_DUPLICATES with_torch)
  install(RUNTIME_DEPENDENCY_SET rest_libraries
    DIRECTORIES ${LibTorch_RUN_DIRS}
    POST_INCLUDE_REGEXES ${with_torch} POST_EXCLUDE_REGEXES ".*"
    LIBRARY DESTINATION ${REST_INSTALL_LIBRARY_DIR})
endfunction()

# To be called once, after all programs.
function(rest_install_tree)
  rest_install_libraries()
  if(TARGET rest_cuda)
    rest_install_cuda()
  endif()
  install(DIRECTORY jobs DESTINATION share/rest USE_SOURCE_PERMISSIONS
    # These need the sources.
    PATTERN setup.sh EXCLUDE PATTERN quickstart.sh EXCLUDE PATTERN "bundle*.sh" EXCLUDE PATTERN rest.def EXCLUDE
    PATTERN spack EXCLUDE)
  install(DIRECTORY data DESTINATION share/rest USE_SOURCE_PERMISSIONS PATTERN __pycache__ EXCLUDE)
  install(FILES README.md CHANGELOG.md DESTINATION share/rest)
  install(FILES LICENSE DESTINATION share/rest OPTIONAL)
endfunction()
