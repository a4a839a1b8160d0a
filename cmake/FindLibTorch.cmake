# LibTorch as imported targets, without the wheel's own package files: those want a CUDA toolkit even for a CPU build.
#
# Looked for in this order: LibTorch_ROOT / CMAKE_PREFIX_PATH (a directory holding lib/libtorch_cpu.so), then the
# installation that `python3 -c "import torch"` would load, then the environment that jobs/setup.sh makes.
#
# Defines LibTorch::cpu, LibTorch_VERSION, LibTorch_LIBRARY_DIR and LibTorch_RUN_DIRS; where LibTorch has a CUDA part,
# LibTorch::cuda, and LibTorch_CUDA_VERSION when it says which.
set(_torch_hints ${LibTorch_ROOT} ${CMAKE_PREFIX_PATH})
find_program(_torch_python NAMES python3)
foreach(_python ${REST_PYTHON} ${_torch_python})
  execute_process(
    COMMAND ${_python} -c "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE _torch_package OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(_torch_package)
    list(APPEND _torch_hints ${_torch_package})
  endif()
endforeach()

find_library(LibTorch_CPU_LIBRARY torch_cpu HINTS ${_torch_hints} PATH_SUFFIXES lib NO_DEFAULT_PATH)
find_library(LibTorch_C10_LIBRARY c10 HINTS ${_torch_hints} PATH_SUFFIXES lib NO_DEFAULT_PATH)
find_path(LibTorch_INCLUDE_DIR torch/csrc/api/include/torch/torch.h HINTS ${_torch_hints} PATH_SUFFIXES include
          NO_DEFAULT_PATH)
if(LibTorch_INCLUDE_DIR)
  file(READ ${LibTorch_INCLUDE_DIR}/torch/headeronly/version.h _torch_version_text)
  string(REGEX MATCH "#define TORCH_VERSION_MAJOR ([0-9]+)" _ "${_torch_version_text}")
  set(LibTorch_VERSION ${CMAKE_MATCH_1})
  foreach(_part MINOR PATCH)
    string(REGEX MATCH "#define TORCH_VERSION_${_part} ([0-9]+)" _ "${_torch_version_text}")
    string(APPEND LibTorch_VERSION .${CMAKE_MATCH_1})
  endforeach()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_INCLUDE_DIR
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "run jobs/setup.sh, or name an existing LibTorch by -DCMAKE_PREFIX_PATH=DIR")

if(LibTorch_FOUND AND NOT TARGET LibTorch::cpu)
  get_filename_component(LibTorch_LIBRARY_DIR ${LibTorch_CPU_LIBRARY} DIRECTORY)
  add_library(LibTorch::cpu UNKNOWN IMPORTED)
  # The wheel's libtorch_cpu.so needs libcudart.so.13 and libcupti.so.13, which pip puts beside the torch package.
  file(GLOB _torch_run_dirs ${LibTorch_LIBRARY_DIR}/../../nvidia/*/lib ${LibTorch_LIBRARY_DIR}/../../nvidia/*/extras/CUPTI/lib64)
  set_target_properties(LibTorch::cpu PROPERTIES
    IMPORTED_LOCATION ${LibTorch_CPU_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_INCLUDE_DIR};${LibTorch_INCLUDE_DIR}/torch/csrc/api/include"
    INTERFACE_LINK_LIBRARIES ${LibTorch_C10_LIBRARY}
    INTERFACE_LINK_OPTIONS "LINKER:--allow-shlib-undefined")
  set(LibTorch_RUN_DIRS ${LibTorch_LIBRARY_DIR})
  foreach(_dir ${_torch_run_dirs})
    get_filename_component(_dir ${_dir} REALPATH)
    list(APPEND LibTorch_RUN_DIRS ${_dir})
  endforeach()

  find_library(LibTorch_CUDA_LIBRARY torch_cuda HINTS ${LibTorch_LIBRARY_DIR} NO_DEFAULT_PATH)
  find_library(LibTorch_C10_CUDA_LIBRARY c10_cuda HINTS ${LibTorch_LIBRARY_DIR} NO_DEFAULT_PATH)
  if(LibTorch_CUDA_LIBRARY AND LibTorch_C10_CUDA_LIBRARY)
    add_library(LibTorch::cuda UNKNOWN IMPORTED)
    set_target_properties(LibTorch::cuda PROPERTIES IMPORTED_LOCATION ${LibTorch_CUDA_LIBRARY}
                          INTERFACE_LINK_LIBRARIES "${LibTorch_C10_CUDA_LIBRARY};LibTorch::cpu")
    if(EXISTS ${LibTorch_LIBRARY_DIR}/../version.py)
      file(STRINGS ${LibTorch_LIBRARY_DIR}/../version.py _torch_cuda_line REGEX "^cuda: ")
      string(REGEX MATCH "[0-9]+\\.[0-9]+" LibTorch_CUDA_VERSION "${_torch_cuda_line}")
    endif()
  endif()
endif()
