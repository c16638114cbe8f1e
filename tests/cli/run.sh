#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a session with the command and compares:  run.sh CORNU SESSION      UPDATE=1 rewrites what is expected
#
#   # a remark
#   $ cornu trian x          what is typed, in a folder of its own that the whole session shares
#   + | cat                  the next line of it
#   > a line                 expected on standard output, in order
#   2> a line                expected on standard error, after the lines of standard output
#   = 2                      expected exit status; 0 when it is not given
#   ! reason                 the rest is skipped unless the command before it succeeded
#
# In expected lines ... stands for anything; alone it stands for any number of lines.  $SOURCE is the project's folder.
set -u
cornu=$(realpath "$1") session=$(realpath "$2")
SOURCE=$(realpath "$(dirname "$0")/../..")
export SOURCE
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin" "$folder/home" "$folder/work"
ln -s "$cornu" "$folder/bin/cornu"
PATH=$folder/bin:$PATH HOME=$folder/home LC_ALL=C.UTF-8
export PATH HOME LC_ALL
unset KERAS_HOME
cd "$folder/work" || exit 1

# The lines of $1, expected, against those of $2.
match() {
    awk '
        function like(pattern, text,   parts, count, i, at) {
            count = split(pattern, parts, /\.\.\./)
            if (count == 1) return pattern == text
            if (substr(text, 1, length(parts[1])) != parts[1]) return 0
            text = substr(text, length(parts[1]) + 1)
            for (i = 2; i < count; i++) {
                at = index(text, parts[i])
                if (!at) return 0
                text = substr(text, at + length(parts[i]))
            }
            return length(text) >= length(parts[count]) && substr(text, length(text) - length(parts[count]) + 1) == parts[count]
        }
        function fits(i, j) {
            if (i > wanted) return j > found
            if (want[i] == "...") return fits(i + 1, j) || (j <= found && fits(i, j + 1))
            return j <= found && like(want[i], have[j]) && fits(i + 1, j + 1)
        }
        FILENAME == ARGV[1] { want[++wanted] = $0 }
        FILENAME == ARGV[2] { have[++found] = $0 }
        END { exit !fits(1, 1) }' "$1" "$2"
}

failed=0 count=0
: >"$folder/updated"
reset() { : >"$folder/command"; : >"$folder/want_out"; : >"$folder/want_err"; status=0; }

finish() { # runs the command that has been collected
    [ -s "$folder/command" ] || return 0
    count=$((count + 1))
    sh "$folder/command" >"$folder/out" 2>"$folder/err" </dev/null
    found=$?
    if [ -n "${UPDATE-}" ]; then
        { sed '1s/^/$ /; 2,$s/^/+ /' "$folder/command"; sed 's/^/> /' "$folder/out"; sed 's/^/2> /' "$folder/err"; } >>"$folder/updated"
        [ $found = 0 ] || echo "= $found" >>"$folder/updated"
    elif ! match "$folder/want_out" "$folder/out" || ! match "$folder/want_err" "$folder/err" || [ $found != "$status" ]; then
        failed=$((failed + 1))
        echo "FAILED:"
        sed 's/^/$ /' "$folder/command"
        echo "status $found, expected $status"
        for stream in out err; do
            echo "-- standard $stream, expected:"
            cat "$folder/want_$stream"
            echo "-- found:"
            cat "$folder/$stream"
        done
    fi
    last=$found
    reset
}

reset
last=0
while IFS= read -r line; do
    case $line in
    '$ '*) finish; printf '%s\n' "${line#??}" >"$folder/command" ;;
    '+ '*) printf '%s\n' "${line#??}" >>"$folder/command" ;;
    '> '*) printf '%s\n' "${line#??}" >>"$folder/want_out" ;;
    '>') echo >>"$folder/want_out" ;;
    '2> '*) printf '%s\n' "${line#???}" >>"$folder/want_err" ;;
    '= '*) status=${line#??} ;;
    '! '*)
        finish
        [ -z "${UPDATE-}" ] || printf '%s\n' "$line" >>"$folder/updated"
        if [ $last != 0 ] || [ $failed != 0 ]; then
            [ $failed = 1 ] && failed=0 && count=$((count - 1))
            echo "skipped: ${line#??}"
            [ $failed = 0 ] && exit 77
            break
        fi
        ;;
    '#'* | '') finish; [ -z "${UPDATE-}" ] || printf '%s\n' "$line" >>"$folder/updated" ;;
    *) echo "run.sh: cannot read: $line" >&2; exit 1 ;;
    esac
done <"$session"
finish
[ -z "${UPDATE-}" ] || cp "$folder/updated" "$session"
echo "$count commands, $failed failed"
[ "$count" -gt 0 ] && [ $failed = 0 ]
