#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the libraries show and what they need:  symbols.sh SHARED_LIBRARY ARCHIVE SOURCE_DIR formats|no-formats
#  - every symbol that the shared library exports begins with cn_;
#  - every function that a public header declares is exported;
#  - nothing in the archive prints, exits or aborts (the caller's program decides about that);
#  - nothing that changes is global (a thread's own may), but for what `state_allowed` names.
set -eu
shared=$1 archive=$2 source=$3 formats=$4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
status=0

nm -D --defined-only "$shared" | awk '{ print $NF }' | sort -u >"$folder/exported"
if ! [ -s "$folder/exported" ]; then
    echo "$shared exports nothing: are the public functions marked CN_API?"
    status=1
fi
if grep -v '^cn_' "$folder/exported"; then
    echo "^ exported, though the names do not begin with cn_"
    status=1
fi

if [ "$formats" = formats ] && command -v gcc >/dev/null; then
    for header in "$source"/include/cornu/*.h; do echo "#include <cornu/$(basename "$header")>"; done >"$folder/all.c"
    gcc -std=c11 -fsyntax-only -I"$source/include" -aux-info "$folder/prototypes" "$folder/all.c"
    grep '/include/cornu/' "$folder/prototypes" | grep -v ' static ' |
        sed -n 's/^.*\*\/ [^(]*[ *]\(cn[a-z0-9_]*\) (.*$/\1/p' | sort -u >"$folder/declared"
    if ! [ -s "$folder/declared" ]; then
        echo "no declaration found in include/cornu"
        status=1
    fi
    if comm -23 "$folder/declared" "$folder/exported" | grep .; then
        echo "^ declared in include/cornu, but not exported"
        status=1
    fi
fi

forbidden='exit|_exit|_Exit|quick_exit|abort|printf|__printf_chk|vprintf|__vprintf_chk|puts|putchar|perror|psignal|stdout|stderr|system|popen'
if nm -A -u "$archive" 2>/dev/null | grep -E " ($forbidden)\$"; then
    echo "^ a library must not print, exit, abort or start programs"
    status=1
fi
# Functions' own statics carry a number after a dot.
state_allowed='default_context|default_context_once'
if objdump -t "$archive" | awk '/ O \.(bss|data)/ && !/\.data\.rel\.ro/ { print $NF " in " $4 }' |
    grep -vE "^($state_allowed)(\.[0-9]+)? " | grep .; then
    echo "^ global data that can change: make it const (a table of pointers: const char *const names[]) or part of a context"
    status=1
fi
exit $status
