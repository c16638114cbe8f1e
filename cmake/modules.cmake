# SPDX-License-Identifier: Apache-2.0
# Modules: what is loaded when it is first used, so that programs which do not use it start in milliseconds.  They lie
# beside the libraries in a build folder, and in lib/cornu when installed; src/explain/drawing.c finds them there.
set(modules_dir ${CMAKE_INSTALL_LIBDIR}/cornu)
file(RELATIVE_PATH modules_from_programs /prefix/${CMAKE_INSTALL_BINDIR} /prefix/${modules_dir})
set_property(SOURCE src/explain/drawing.c APPEND PROPERTY COMPILE_DEFINITIONS
             CORNU_MODULES_INSTALLED="${CMAKE_INSTALL_FULL_LIBDIR}/cornu"
             CORNU_MODULES_FROM_PROGRAMS="/${modules_from_programs}")

option(CORNU_DRAW "Build the drawing module (needs cairo)" ON)
if(CORNU_FORMATS AND CORNU_DRAW)
  pkg_check_modules(CAIRO REQUIRED IMPORTED_TARGET cairo cairo-svg cairo-pdf cairo-png)
  file(GLOB drawing CONFIGURE_DEPENDS src/explain/draw/*.c)
  add_library(cornu_draw MODULE ${drawing})
  set_target_properties(cornu_draw PROPERTIES PREFIX "" OUTPUT_NAME cornu-draw)
  target_link_libraries(cornu_draw PRIVATE PkgConfig::CAIRO m)
  add_dependencies(product cornu_draw)
  install(TARGETS cornu_draw LIBRARY DESTINATION ${modules_dir})
endif()
