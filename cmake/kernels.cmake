# SPDX-License-Identifier: Apache-2.0
# Kernels: one source, compiled per instruction set.
#
#   src/kernels/**/portable/*.c   plain C, the judge: compiled twice, CNI_REAL=float and CNI_REAL=double (CNI_REAL_NAME=f32, f64)
#   src/kernels/**/vector/*.c     compiled once for each instruction set of the machine's architecture, with
#                                 CNI_ISA_NAME=avx2|avx512|neon and CNI_VECTOR_BYTES=32|64|16
#
# What a vector source defines must carry its CNI_ISA_NAME: the objects all go into one library, and only the dispatcher
# may decide at run time which of them is called.  Result: the list kernel_objects.

set(kernel_objects)
file(GLOB_RECURSE portable_kernels CONFIGURE_DEPENDS src/kernels/*.c)
set(vector_kernels ${portable_kernels})
list(FILTER portable_kernels INCLUDE REGEX "/src/kernels/.*/portable/[^/]*\\.c$")
list(FILTER vector_kernels INCLUDE REGEX "/src/kernels/.*/vector/[^/]*\\.c$")

# -O3 pays only where the compiler may vectorise; under a sanitizer it only costs time.
set(vector_optimization -O3)
if(CORNU_SANITIZE)
  set(vector_optimization -O1)
endif()
# Line numbers are what a backtrace needs; to follow variables through unrolled loops would take gcc as long as the rest.
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  list(APPEND vector_optimization -g1)
endif()
# Fuzzers look at what reads files; kernels without instrumentation compile in a tenth of the time.
set(kernel_instrumentation)
if(CORNU_FUZZ)
  set(kernel_instrumentation -fno-sanitize=all)
endif()

# What stands on top: name, bytes of a vector, flags.
function(add_vector_kernels isa bytes)
  if(NOT vector_kernels)
    return()
  endif()
  add_library(kernels_${isa} OBJECT ${vector_kernels})
  target_compile_definitions(kernels_${isa} PRIVATE CNI_ISA_NAME=${isa} CNI_VECTOR_BYTES=${bytes})
  target_compile_options(kernels_${isa} PRIVATE ${vector_optimization} -ffp-contract=fast ${kernel_instrumentation} ${ARGN})
  set(kernel_objects ${kernel_objects} $<TARGET_OBJECTS:kernels_${isa}> PARENT_SCOPE)
endfunction()

function(add_portable_kernels real name)
  if(NOT portable_kernels)
    return()
  endif()
  add_library(kernels_portable_${name} OBJECT ${portable_kernels})
  target_compile_definitions(kernels_portable_${name} PRIVATE CNI_REAL=${real} CNI_REAL_NAME=${name})
  target_compile_options(kernels_portable_${name} PRIVATE ${kernel_instrumentation})
  set(kernel_objects ${kernel_objects} $<TARGET_OBJECTS:kernels_portable_${name}> PARENT_SCOPE)
endfunction()

add_portable_kernels(float f32)
add_portable_kernels(double f64)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
  add_vector_kernels(avx2 32 -mavx2 -mfma)
  set(avx512 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma -mprefer-vector-width=512)
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # Tuned for no processor gcc 12 keeps pointers in vector registers and puts multiply-adds into an order in which
    # small tiles end at 88 % of what they reach so, on AMD's Zen 5 as well.
    list(APPEND avx512 -mtune=skylake-avx512)
  endif()
  add_vector_kernels(avx512 64 ${avx512})
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  add_vector_kernels(neon 16)
endif()
