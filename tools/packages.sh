#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes sure that Debian packages are there:  tools/packages.sh [--check] GROUP…
# Installs only what is missing, as root or with sudo; --check only tells.
set -eu

build="gcc libc6-dev cmake ninja-build pkg-config zlib1g-dev libspng-dev libjpeg62-turbo-dev libcairo2-dev"
test="libcmocka-dev g++"
demo="dataset-fashion-mnist"
clang="clang"
neon="gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user libcmocka-dev:arm64"

check=
[ "${1-}" = --check ] && check=yes && shift
wanted=
for group; do
    case $group in
    build) wanted="$wanted $build" ;;
    test) wanted="$wanted $test" ;;
    demo) wanted="$wanted $demo" ;;
    clang) wanted="$wanted $clang" ;;
    neon) wanted="$wanted $neon" ;;
    *) echo "packages.sh: no group '$group'; there are build, test, demo, clang, neon" >&2; exit 2 ;;
    esac
done

# Elsewhere than on Debian and its kin the build itself says what it lacks.
command -v dpkg-query >/dev/null || exit 0

missing=
for package in $wanted; do
    state=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) || state=
    case $state in ii*) ;; *) missing="$missing $package" ;; esac
done
[ -z "$missing" ] && exit 0

# A tool may be there without dpkg knowing (another compiler, CMake from elsewhere), so a check refuses only without.
if [ -n "$check" ]; then
    echo "Not installed:$missing" >&2
    for tool in cmake ninja cc; do
        command -v $tool >/dev/null && continue
        echo "Without $tool nothing can be built:  apt-get install$missing" >&2
        exit 1
    done
    exit 0
fi
sudo=
if [ "$(id -u)" != 0 ]; then
    sudo=sudo
    if ! command -v sudo >/dev/null; then
        echo "These packages are missing and only root can install them:  apt-get install$missing" >&2
        exit 1
    fi
fi
echo "Installing$missing" >&2
case $missing in *:arm64*) $sudo dpkg --add-architecture arm64 ;; esac
$sudo apt-get update -q >/dev/null
# shellcheck disable=SC2086 # a list of words
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >/dev/null
