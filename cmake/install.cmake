# SPDX-License-Identifier: Apache-2.0
# What `make install` puts in place: header, libraries, command, cornu.pc for pkg-config and the CMake package.
# Both descriptions find their prefix from where they lie, so that an installed tree may be moved.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cornu)

install(DIRECTORY include/cornu DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS cornu_shared EXPORT cornuTargets)
install(TARGETS cornu EXPORT cornuStaticTargets)
if(TARGET cornu_command)
  install(TARGETS cornu_command)
endif()

file(RELATIVE_PATH up_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" up_to_prefix "${up_to_prefix}")
list(JOIN format_modules ", " CORNU_REQUIRES_PRIVATE)
configure_file(cmake/cornu.pc.in cornu.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/cornu.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(EXPORT cornuTargets NAMESPACE cornu:: DESTINATION ${package_dir})
install(EXPORT cornuStaticTargets NAMESPACE cornu:: DESTINATION ${package_dir})
configure_package_config_file(cmake/cornuConfig.cmake.in cornuConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(cornuConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/cornuConfig.cmake ${CMAKE_BINARY_DIR}/cornuConfigVersion.cmake
        DESTINATION ${package_dir})
