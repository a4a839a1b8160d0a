# GPUs: librest_cuda.so, the only thing here that links CUDA libraries. Programs load it when --device cuda asks for a
# GPU, so that all of them start on machines that have none of those libraries.
#
# -DREST_CUDA=ON|OFF; AUTO, the default, is ON where nvcc, NCCL and LibTorch's CUDA part fit together.
set(REST_CUDA AUTO CACHE STRING "GPU support: ON, OFF, or AUTO (ON where all it needs is found)")
set_property(CACHE REST_CUDA PROPERTY STRINGS AUTO ON OFF)

set(rest_cuda_missing)
if(REST_CUDA)
  find_package(CUDAToolkit QUIET)
  find_package(NCCL QUIET)
  if(NOT CUDAToolkit_NVCC_EXECUTABLE)
    list(APPEND rest_cuda_missing "a CUDA toolkit with nvcc")
  elseif(LibTorch_CUDA_VERSION AND NOT LibTorch_CUDA_VERSION MATCHES "^${CUDAToolkit_VERSION_MAJOR}\\.")
    list(APPEND rest_cuda_missing "a CUDA toolkit of LibTorch's version ${LibTorch_CUDA_VERSION} instead of ${CUDAToolkit_VERSION}")
  endif()
  if(NOT NCCL_FOUND)
    list(APPEND rest_cuda_missing "NCCL")
  endif()
  if(NOT TARGET LibTorch::cuda)
    list(APPEND rest_cuda_missing "LibTorch's torch_cuda and c10_cuda")
  endif()
endif()
list(JOIN rest_cuda_missing ", " rest_cuda_missing)

set(REST_WITH_CUDA OFF)
if(REST_CUDA STREQUAL "AUTO")
  if(rest_cuda_missing)
    message(STATUS "GPU support: off, missing is ${rest_cuda_missing}")
  else()
    set(REST_WITH_CUDA ON)
  endif()
elseif(REST_CUDA)
  if(rest_cuda_missing)
    message(FATAL_ERROR "REST_CUDA=ON, but missing is ${rest_cuda_missing}; name places by -DCUDAToolkit_ROOT=DIR and -DNCCL_ROOT=DIR")
  endif()
  set(REST_WITH_CUDA ON)
else()
  message(STATUS "GPU support: off, as REST_CUDA says")
endif()
if(REST_WITH_CUDA)
  message(STATUS "GPU support: on (CUDA ${CUDAToolkit_VERSION}, NCCL ${NCCL_VERSION})")
  set(REST_CUDA_WORDS "${CUDAToolkit_VERSION}, NCCL ${NCCL_VERSION}")
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80 90)  # A100, H100; later ones by just-in-time compilation of the last
  endif()
  set(CMAKE_CUDA_COMPILER ${CUDAToolkit_NVCC_EXECUTABLE})
  set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)
  set(CMAKE_CUDA_STANDARD 17)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  enable_language(CUDA)
endif()

# rest_add_cuda_library(NAME MODULES comm model): src/<module>/cuda/*.{cpp,cu} as a library to be loaded at run time.
function(rest_add_cuda_library name)
  cmake_parse_arguments(ARG "" "" "MODULES" ${ARGN})
  set(sources)
  foreach(module ${ARG_MODULES})
    file(GLOB module_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${module}/cuda/*.cpp
         ${PROJECT_SOURCE_DIR}/src/${module}/cuda/*.cu)
    list(APPEND sources ${module_sources})
  endforeach()
  add_library(${name} MODULE ${sources})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/include)
  # nvcc's own flags; -Wconversion does not understand the code it generates.
  target_compile_options(${name} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:-Wall> $<$<COMPILE_LANGUAGE:CXX>:-Wextra> $<$<COMPILE_LANGUAGE:CXX>:-Wconversion>
    $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${REST_WERROR}>>:-Werror>
    $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr>
    $<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${REST_WERROR}>>:--Werror=all-warnings>)
  # LibTorch's CUDA part registers itself with LibTorch when it is loaded: needed although few of its symbols are.
  # Programs export nothing: what the library lacks would show only when a GPU is asked for.
  target_link_options(${name} PRIVATE "LINKER:--no-as-needed" "LINKER:--disable-new-dtags" "LINKER:-z,defs")
  target_link_libraries(${name} PRIVATE LibTorch::cuda NCCL::nccl CUDA::cudart)
  # An RPATH, unlike a RUNPATH, also serves the libraries that LibTorch's CUDA part needs in turn.
  set(run_dirs "${LibTorch_RUN_DIRS};${CUDAToolkit_LIBRARY_DIR}")
  set_target_properties(${name} PROPERTIES BUILD_RPATH "${run_dirs}" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
endfunction()
