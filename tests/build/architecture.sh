#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The rules of the house that a reader cannot see at a glance:  architecture.sh SOURCE_DIR
#  - includes go down: a folder of src/ includes itself, the folders below it and <cornu/…>; cli sees <cornu/…> only;
#  - include/cornu stands on itself and on the C library;
#  - the format libraries are named only where -DCORNU_FORMATS=OFF leaves them out;
#  - file names are unique in the tree; every source begins with its licence.
set -eu

check() (
    cd "$1"
    find src include -name '*.[ch]' -o -name '*.inc' | sort | xargs awk '
        BEGIN {
            count = split("base tensor kernels graph layers learning model train formats data explain cli", floors, " ")
            for (i = 1; i <= count; i++) rank[floors[i]] = i
            split("stddef stdint stdbool stdio stdlib string limits float math", names, " ")
            for (i in names) plain["<" names[i] ".h>"] = 1
        }
        function tell(text) { print FILENAME ":" FNR ": " text }
        FNR == 1 {
            split(FILENAME, own, "/")
            if (own[1] == "src" && !(own[2] in rank)) tell(own[2] " is not one of the floors")
        }
        /^[ \t]*#[ \t]*include[ \t]*["<]/ {
            included = $0
            sub(/^[ \t]*#[ \t]*include[ \t]*/, "", included)
            sub(/[">][^">]*$/, substr(included, 1, 1) == "<" ? ">" : "\"", included)
            inside = substr(included, 2, length(included) - 2)
            split(inside, target, "/")
            if (included ~ /^<cornu\//) {
                if ((getline line < ("include/" inside)) < 0) tell("no such public header: " included)
                close("include/" inside)
            } else if (own[1] == "include") {
                if (!(included in plain)) tell("a public header needs only <cornu/…> and the C library, not " included)
            } else if (included ~ /^</) {
                if (included ~ /^<(zip|zlib|jansson|spng|turbojpeg|jpeglib|png|microhttpd)\.h>|^<(cairo|protobuf-c)/ &&
                    (rank[own[2]] < rank["formats"] || own[2] == "cli"))
                    tell(own[2] " must do without " included)
            } else if (target[1] in rank) {
                if (own[2] == "cli" && target[1] != "cli") tell("the command sees only <cornu/…>, not " included)
                else if (rank[target[1]] > rank[own[2]]) tell(own[2] " is below " target[1] ": " included)
            } else if (inside ~ /\//) {
                tell("write the path from src/ on: " included)
            }
        }'
    find src include -name '*.[ch]' -o -name '*.inc' | sed 's,.*/,,' | sort | uniq -d | sed 's/^/more than one file is called /'
    find src include tests examples bench -name '*.[ch]' -o -name '*.inc' 2>/dev/null | sort | while read -r file; do
        head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || echo "$file: no SPDX line at its head"
    done
)

# The rules must bite: a small tree with ten sins.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
spdx='/* SPDX-License-Identifier: Apache-2.0 */'
mkdir -p "$folder/src/base" "$folder/src/train" "$folder/src/cli" "$folder/src/attic" "$folder/include/cornu"
printf '%s\n' "$spdx" '#include <stddef.h>' '#include <unistd.h>' >"$folder/include/cornu/cornu.h"
printf '%s\n' "$spdx" '#include "base/a.h"' '#include "train/t.h"' '#include "../x.h"' '# include <zlib.h>' >"$folder/src/base/a.c"
printf '%s\n' "$spdx" '#include "base/a.h"' '#include <cornu/none.h>' >"$folder/src/train/t.c"
printf '%s\n' "$spdx" '#include "cli/c.h"' '#include "base/a.h"' '#include <cornu/cornu.h>' >"$folder/src/cli/c.c"
printf '%s\n' '#include "base/a.h"' >"$folder/src/attic/t.c"
found=$(check "$folder")
expected=10
if [ "$(echo "$found" | grep -c .)" != "$expected" ]; then
    printf 'architecture.sh: of %s sins it found\n%s\n' "$expected" "$found"
    exit 1
fi

found=$(check "$1")
[ -z "$found" ] && exit 0
echo "$found"
exit 1
