"""ReST for Spack 1.0 or newer: from a clone,

    spack repo add jobs/spack/spack_repo/rest
    spack install rest

builds the committed state of the clone's main branch. For GPUs, name their architecture: rest +cuda cuda_arch=90.
"""

import pathlib

from spack_repo.builtin.build_systems.cmake import CMakePackage, generator
from spack_repo.builtin.build_systems.cuda import CudaPackage

from spack.package import *


class Rest(CMakePackage, CudaPackage):
    """Reinforced Self-Training (arXiv 2308.08998) as an MPI batch application."""

    # The clone that this recipe is part of.
    git = pathlib.Path(__file__).resolve().parents[6].as_uri()
    homepage = "https://arxiv.org/abs/2308.08998"

    version("main", branch="main")

    variant("tests", default=False, description="Build the tests")
    variant("analysis", default=True, description="Bring what the Python scripts over runs need")

    generator("ninja")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("python@3.10:", type=("build", "run"))

    # The job scripts speak to the mpirun of Open MPI 4.
    depends_on("openmpi@4.1:4")
    # One writer a file: HDF5's serial driver is enough.
    depends_on("hdf5@1.10:")
    depends_on("sentencepiece@0.1.85:")
    depends_on("openssl")
    depends_on("zlib-api")
    depends_on("spdlog@1.10:")
    depends_on("nlohmann-json@3.10:")
    depends_on("cli11@2.1:")
    depends_on("tomlplusplus@3.3:")
    depends_on("googletest@1.12: +gmock", when="+tests")

    # LibTorch: no distributed backend of torch's own is used.
    depends_on("py-torch@2.7: ~distributed")
    depends_on("py-torch ~cuda", when="~cuda")
    for _arch in CudaPackage.cuda_arch_values:
        depends_on(f"py-torch +cuda cuda_arch={_arch}", when=f"+cuda cuda_arch={_arch}")
        depends_on(f"nccl cuda_arch={_arch}", when=f"+cuda cuda_arch={_arch}")
    conflicts("cuda_arch=none", when="+cuda", msg="name the GPU: cuda_arch=90")

    with when("+analysis"):
        depends_on("py-numpy@1.24:", type="run")
        depends_on("py-h5py@3.8:", type="run")
        depends_on("py-matplotlib@3.6:", type="run")

    def cmake_args(self):
        torch = join_path(self.spec["py-torch"].prefix, self.spec["python"].package.platlib, "torch")
        arguments = [
            self.define("LibTorch_ROOT", torch),
            self.define("REST_INSTALL_TORCH", False),
            self.define("REST_WERROR", False),
            self.define("REST_PYTHON", self.spec["python"].command.path),
            self.define_from_variant("REST_BUILD_TESTS", "tests"),
            self.define_from_variant("REST_CUDA", "cuda"),
        ]
        if self.spec.satisfies("+cuda"):
            arguments.append(self.define("CMAKE_CUDA_ARCHITECTURES", self.spec.variants["cuda_arch"].value))
        return arguments
