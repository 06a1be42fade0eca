# SPDX-License-Identifier: Apache-2.0
# lib.sh - sourced by the scripts beside it: runs a script natively and in the sandbox and compares the two
#
# Compared are standard output, standard error, the exit status, and a manifest of the files made (path, kind, mode,
# size, link target, sha256). Both runs see the same paths and the same environment.
#
#   compare NAME SECONDS [OPTION...] <<'END' ... END
#
# runs the here-document with sh (or `-i INTERPRETER`) in an empty directory. `-o` keeps the files in the sandbox's memory
# overlay: the script must print what is to be compared. `-x REGEX` leaves paths out of the manifest.
# `-u` does not compare standard error.
#
# From the environment: RUNSC, CENSUS (built when missing), LONG (large variants), SANDBOX=none (runs natively
# twice, to see whether a script is deterministic).
set -u
export LC_ALL=C.UTF-8 TZ=UTC
TOP=$(cd "$(dirname "$0")/../.." && pwd)
RUNSC=${RUNSC:-$TOP/build/bin/runsc}
LONG=${LONG:-}
SANDBOX=${SANDBOX:-}
PASSED=0
FAILED=0
W=$(mktemp -d "${TMPDIR:-/tmp}/programs.XXXXXX") || exit 2
chmod 755 "$W"
trap 'chmod -R u+rwX "$W" 2> /dev/null; rm -rf "$W"' EXIT
trap 'exit 130' INT TERM
if [ -z "${CENSUS:-}" ]; then
	CENSUS=$W/census
	cc -O1 -o "$CENSUS" "$TOP/tests/programs/census.c" || exit 2
fi
CLEAN_ENV="PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 TZ=UTC LONG=$LONG TOP=$TOP"

passed() {
	PASSED=$((PASSED + 1))
	echo "ok   $1"
}

failed() {
	FAILED=$((FAILED + 1))
	echo "FAIL $1"
}

# check NAME COMMAND...: passes when the command succeeds
check() {
	check_name=$1
	shift
	if "$@" > "$W/check.log" 2>&1; then
		passed "$check_name"
	else
		echo "   status $?"
		tail -n 20 "$W/check.log"
		failed "$check_name"
	fi
}

manifest() {
	(
		cd "$1" || exit 1
		find . -mindepth 1 -printf '%P|%y|%m|%l|' -a \( -type f -printf '%s|' -exec sha256sum -z {} \; -o -printf '\n' \) |
			tr '\0' '\n' | sed 's/|\([0-9a-f]\{64\}\)  .*/|\1/' | sort
	) | grep -vE "$EXCLUDE"
}

# one WHERE SECONDS INTERPRETER: runs $W/script, leaves out, err, status, files in $W/WHERE
one() {
	rm -rf "$W/run"
	mkdir "$W/run" "$W/$1"
	case $1$SANDBOX in
	native* | sandboxnone) set -- "$1" "$2" "$3" env --chdir="$W/run" ;;
	*)
		if [ -n "$OVERLAY" ]; then
			set -- "$1" "$2" "$3" "$RUNSC" do --cwd "$W/run" -- env
		else
			set -- "$1" "$2" "$3" "$RUNSC" do --cwd "$W/run" --volume "$W/run:$W/run" -- env
		fi
		;;
	esac
	where=$1 seconds=$2 interpreter=$3
	shift 3
	# shellcheck disable=SC2086
	"$CENSUS" -t "$seconds" -- "$@" -i $CLEAN_ENV HOME="$W/run" $interpreter "$W/script" \
		> "$W/$where/out" 2> "$W/$where/err" < /dev/null
	echo $? > "$W/$where/status"
	manifest "$W/run" > "$W/$where/files"
	chmod -R u+rwX "$W/run" 2> /dev/null
}

compare() {
	name=$1 seconds=$2
	shift 2
	interpreter=sh OVERLAY= EXCLUDE='^$' PARTS='status out err files'
	while [ $# -gt 0 ]; do
		case $1 in
		-i) interpreter=$2; shift ;;
		-x) EXCLUDE=$2; shift ;;
		-o) OVERLAY=1 PARTS='status out err' ;;
		-u) PARTS='status out files' ;;
		esac
		shift
	done
	rm -rf "$W/native" "$W/sandbox"
	cat > "$W/script"
	chmod 755 "$W/script"
	one native "$seconds" "$interpreter"
	one sandbox "$seconds" "$interpreter"
	bad=
	for part in $PARTS; do
		cmp -s "$W/native/$part" "$W/sandbox/$part" && continue
		bad="$bad $part"
		diff "$W/native/$part" "$W/sandbox/$part" | head -n 10 | cut -c 1-200 | sed "s/^/   $part: /"
	done
	case $(cat "$W/native/status") in
	124 | 125 | 126 | 127)
		bad="$bad native-status=$(cat "$W/native/status")"
		tail -n 5 "$W/native/err"
		;;
	esac
	if [ -z "$bad" ]; then
		passed "$name"
	else
		failed "$name:$bad"
		[ -s "$W/sandbox/err" ] && tail -n 5 "$W/sandbox/err" | sed 's/^/   /'
	fi
	rm -rf "$W/run"
}

finish() {
	echo "$PASSED passed, $FAILED failed"
	[ "$FAILED" = 0 ]
	exit
}
