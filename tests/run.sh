#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh - builds Bulkhead and runs its tests; the last line is "N passed, N failed"
#
# usage: sh tests/run.sh [OPTION...] [STAGE...]
#
#   --quick         build, unit, lint, native, sandbox: what a change needs before it lands
#   --long          the large variants of programs, longer fuzzing, and the stages debug and tsan too
#   --only PATTERN  only tests whose name matches the shell pattern
#   --keep-going    do not stop after a stage with failures; list all that failed at the end
#   --no-install    do not install missing packages
#   --build DIR     use this build directory instead of build
#
# Stages, in this order when none is named:
#   build     Release build
#   unit      build/unit/*, programs with libcheck
#   lint      tests/lint/*.sh and *.py
#   native    guest tests on this kernel, as root and as an ordinary user: a failure means that the test is wrong
#   sandbox   the same programs under `runsc do`: in its memory overlay, on a volume of the host, as an ordinary user,
#             with rewritten call sites
#   oci       tests/oci/*.sh: bundles, as root
#   confinement  tests/confinement/*.sh: what the processes of a sandbox may do, as root and as an ordinary user
#   clients   tests/clients/*.sh: podman, also of an ordinary user, docker, containerd and its pods, buildah, with runsc as
#             their runtime, in throw-away namespaces; as root
#   programs  tests/programs/*.sh: real programs, native against sandbox
#   asan      all of it built by clang, with ASan and UBSan: its unit tests, and the guest tests under its runsc
#   fuzz      tests/fuzz/* of that build, a few seconds each, from an empty corpus
# and, when named or with --long:
#   debug     a Debug build (lock ranks, assertions): its unit tests, and the guest tests under its runsc
#   tsan      a build with ThreadSanitizer: the guest tests under its runsc, and no report of a race
#
# Exit status: 0 when nothing failed, 1 when something did, 2 for a wrong call.
set -u
export LC_ALL=C.UTF-8
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
TOP=$(cd "$(dirname "$0")/.." && pwd)
cd "$TOP" || exit 2
BUILD=build
STAGES=
ONLY='*'
LONG=
QUICK=
KEEP=
INSTALL=1

while [ $# -gt 0 ]; do
	case $1 in
	--quick) QUICK=1 ;;
	--long) LONG=1 ;;
	--only) shift; ONLY=${1:?--only needs a pattern} ;;
	--keep-going) KEEP=1 ;;
	--no-install) INSTALL= ;;
	--build) shift; BUILD=${1:?--build needs a directory} ;;
	-h | --help) sed -n '3,33s/^# \{0,1\}//p' "$0"; exit 0 ;;
	-*) echo "run.sh: unknown option $1 (--help tells)" >&2; exit 2 ;;
	*) STAGES="$STAGES $1" ;;
	esac
	shift
done
if [ -z "$STAGES" ]; then
	STAGES="build unit lint native sandbox oci confinement clients programs asan fuzz"
	[ -n "$LONG" ] && STAGES="$STAGES debug tsan"
	[ -n "$QUICK" ] && STAGES="build unit lint native sandbox"
fi

JOBS=$(nproc)
WORK=$(mktemp -d "${TMPDIR:-/tmp}/bulkhead-tests.XXXXXX") || exit 2
chmod 755 "$WORK"
: > "$WORK/failed"
echo 0 > "$WORK/passed.n"
echo 0 > "$WORK/failed.n"
echo 0 > "$WORK/skipped.n"
trap 'rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM

# add passed|failed|skipped N
add() {
	echo $(($(cat "$WORK/$1.n") + $2)) > "$WORK/$1.n"
}

# fail NAME: counts one failure
fail() {
	echo "FAIL: $1"
	echo "$1" >> "$WORK/failed"
	add failed 1
}

want() {
	case $1 in
	$ONLY) return 0 ;;
	esac
	return 1
}

# ---- packages -----------------------------------------------------------------------------------------------------

# need COMMAND-OR-FILE PACKAGE: notes the package when the command is missing.
need() {
	case $1 in
	/*) [ -e "$1" ] && return ;;
	*) command -v "$1" > /dev/null 2>&1 && return ;;
	esac
	MISSING="$MISSING $2"
}

install_packages() {
	[ -n "$INSTALL" ] || return 0
	MISSING=
	need gcc gcc
	need /usr/include/stdio.h libc6-dev
	need clang clang
	need clang-format clang-format
	need cmake cmake
	need ninja ninja-build
	need pkg-config pkg-config
	need python3 python3
	need git git
	need /usr/include/seccomp.h libseccomp-dev
	need /usr/include/capstone/capstone.h libcapstone-dev
	need /usr/include/jansson.h libjansson-dev
	need /usr/include/systemd/sd-bus.h libsystemd-dev
	need /usr/include/check.h check
	need /usr/include/linux/openat2.h linux-libc-dev
	case $STAGES in
	*programs* | *oci*)
		need make make
		need perl perl
		need node nodejs
		need javac default-jdk-headless
		need xz xz-utils
		need gzip gzip
		need bwrap bubblewrap
		need /bin/busybox busybox-static
		need find findutils
		need ip iproute2
		need curl curl
		;;
	esac
	case $STAGES in
	*clients*)
		need /bin/busybox busybox-static
		need ip iproute2
		need curl curl
		need podman podman
		need conmon conmon
		need /usr/lib/podman/netavark netavark
		need iptables iptables
		need catatonit catatonit
		need newuidmap uidmap
		need slirp4netns slirp4netns
		need containerd containerd
		need /usr/lib/cni/bridge containernetworking-plugins
		need /usr/lib/python3/dist-packages/grpc python3-grpcio
		need /usr/lib/python3/dist-packages/google/protobuf python3-protobuf
		need dockerd docker.io
		need buildah buildah
		;;
	esac
	[ -n "$MISSING" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		echo "run.sh: missing packages, install them as root:$MISSING" >&2
		return 1
	fi
	echo "== installing$MISSING"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -q > "$WORK/apt.log" 2>&1
	# shellcheck disable=SC2086
	apt-get install -y -q --no-install-recommends $MISSING >> "$WORK/apt.log" 2>&1 && return 0
	tail -20 "$WORK/apt.log"
	return 1
}

# ---- building -----------------------------------------------------------------------------------------------------

# build_in DIR CMAKE-ARGUMENT...
build_in() {
	dir=$1
	shift
	generator=
	[ -f "$dir/CMakeCache.txt" ] || generator='-G Ninja'
	# shellcheck disable=SC2086
	if cmake $generator -B "$dir" -S . "$@" > "$WORK/cmake.log" 2>&1 &&
		cmake --build "$dir" -j "$JOBS" > "$WORK/build.log" 2>&1; then
		return 0
	fi
	tail -40 "$WORK/cmake.log"
	grep -E -A8 'error|warning|FAILED' "$WORK/build.log" | head -60
	return 1
}

stage_build() {
	if build_in "$BUILD" -DCMAKE_BUILD_TYPE=Release; then
		add passed 1
	else
		fail "build"
		return 1
	fi
}

# The helper that limits a command in time and finds what it leaves running.
make_census() {
	[ -x "$WORK/census" ] ||
		cc -O1 -o "$WORK/census" tests/programs/census.c || { echo "run.sh: no census" >&2; exit 2; }
}

# ---- tests --------------------------------------------------------------------------------------------------------

# unit_dir DIR LABEL: runs all unit tests of a build
unit_dir() {
	for t in "$1"/unit/*; do
		[ -x "$t" ] && [ ! -d "$t" ] || continue
		name=$(basename "$t")
		want "$name" || continue
		CK_TIMEOUT_MULTIPLIER=4 "$WORK/census" -t 300 -- "$t" > "$WORK/log" 2>&1 < /dev/null
		rc=$?
		line=$(grep -E 'Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+' "$WORK/log" | tail -n 1)
		checks=$(echo "$line" | sed -n 's/.*Checks: \([0-9]*\).*/\1/p')
		bad=$(echo "$line" | sed -n 's/.*Failures: \([0-9]*\), Errors: \([0-9]*\).*/\1 + \2/p')
		bad=$((${bad:-0}))
		checks=${checks:-0}
		if [ $rc = 0 ] && [ $bad = 0 ] && [ "$checks" -gt 0 ]; then
			add passed "$checks"
		else
			tail -n 40 "$WORK/log"
			[ "$checks" -gt $bad ] && add passed $((checks - bad))
			[ $bad -gt 1 ] && add failed $((bad - 1))
			fail "$2 $name (status $rc)"
		fi
	done
}

stage_unit() {
	unit_dir "$BUILD" unit
}

stage_lint() {
	for t in tests/lint/*.sh tests/lint/*.py; do
		[ -e "$t" ] || continue
		want "$(basename "$t")" || continue
		case $t in
		*.py) python3 "$t" > "$WORK/log" 2>&1 ;;
		*) sh "$t" > "$WORK/log" 2>&1 ;;
		esac
		if [ $? = 0 ]; then
			add passed 1
		else
			tail -n 40 "$WORK/log"
			fail "$(basename "$t")"
		fi
	done
}

# stage_dir DIR: copies programs and runsc to a place that an ordinary user can reach.
stage_dir() {
	rm -rf "$WORK/bin"
	mkdir -p "$WORK/bin" "$WORK/tmp"
	chmod 755 "$WORK/bin"
	chmod 1777 "$WORK/tmp"
	cp "$1"/guest/* "$WORK/bin/" 2> /dev/null
	cp "$1/bin/runsc" "$WORK/runsc" 2> /dev/null
	chmod -R a+rX "$WORK/bin"
	[ -e "$WORK/runsc" ] && chmod 755 "$WORK/runsc"
}

# Runs one guest test ($1 is "MODE NAME") and writes "STATUS PASSED FAILED SKIPPED" beside its log.
cat > "$WORK/one.sh" << 'ONE'
mode=$1 name=$2 work=$3 tmp=/tmp
log=$work/log.$mode.$name
user='setpriv --reuid 4242 --regid 4242 --clear-groups --'
case $mode in
native | native-asan) set -- ;;
native-user) set -- $user ;;
sandbox | sandbox-asan | sandbox-debug | sandbox-tsan) set -- "$work/runsc" do -- ;;
sandbox-user) set -- $user "$work/runsc" do -- ;;
sandbox-rewrite) set -- "$work/runsc" --rewrite=random do -- ;;
sandbox-volume)
	tmp=$work/tmp
	set -- "$work/runsc" do --volume "$tmp:$tmp" --
	;;
esac
cd /
env TMPDIR=$tmp HOME=/ ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 "$work/census" -t "${GUEST_TIMEOUT:-30}" -- \
	"$@" "$work/bin/$name" > "$log" 2>&1 < /dev/null
rc=$?
set -- $(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed\(, \([0-9]*\) skipped\)\{0,1\}$/\1 \2 0\4/p' "$log" | tail -n 1)
if [ $# = 0 ]; then
	echo "$name: no closing line (status $rc)" >> "$log"
	set -- 0 1 0
elif [ $rc != 0 ] && [ "$2" = 0 ]; then
	echo "$name: status $rc" >> "$log"
	set -- "$1" 1 "$3"
fi
races=$(grep -c 'WARNING: ThreadSanitizer' "$log")
[ "$races" = 0 ] || set -- "$1" $(($2 + races)) "$3"
echo "$1 $2 $3" > "$work/result.$mode.$name"
ONE

# guests MODE: runs all guest tests in this mode, two at a time
guests() {
	mode=$1 lines=15
	[ "$mode" = sandbox-tsan ] && lines=80
	rm -f "$WORK"/result.* "$WORK"/log.*
	for t in "$WORK"/bin/*; do
		[ -x "$t" ] && want "$(basename "$t")" && basename "$t"
	done > "$WORK/names"
	xargs -r -P "$JOBS" -I{} sh "$WORK/one.sh" "$mode" {} "$WORK" < "$WORK/names"
	while read -r name; do
		p=0 f=1 s=0
		[ -f "$WORK/result.$mode.$name" ] && read -r p f s < "$WORK/result.$mode.$name"
		add passed "$p"
		add skipped "$((s + 0))"
		if [ "$f" != 0 ]; then
			echo "-- $mode $name: $p passed, $f failed"
			grep -v '^SKIP' "$WORK/log.$mode.$name" | tail -n $lines | cut -c 1-300
			[ "$f" -gt 1 ] && add failed $((f - 1))
			fail "$mode $name"
		fi
	done < "$WORK/names"
}

as_user() {
	[ "$(id -u)" = 0 ] && command -v setpriv > /dev/null
}

stage_native() {
	stage_dir "$BUILD"
	guests native
	as_user && guests native-user
}

have_runsc() {
	[ -x "$1/bin/runsc" ] && return 0
	fail "$1/bin/runsc is not built"
	return 1
}

stage_sandbox() {
	have_runsc "$BUILD" || return
	stage_dir "$BUILD"
	guests sandbox
	guests sandbox-volume
	as_user && guests sandbox-user
	guests sandbox-rewrite
}

# scripts LABEL GLOB...: runs scripts whose output may close with "N passed, N failed"
scripts() {
	label=$1
	shift
	for t in "$@"; do
		[ -e "$t" ] || continue
		name=$(basename "$t" .sh)
		case $name in lib | run | image) continue ;; esac
		want "$name" || continue
		start=$(date +%s)
		LONG=$LONG RUNSC="$TOP/$BUILD/bin/runsc" CENSUS="$WORK/census" sh "$t" > "$WORK/log" 2>&1 < /dev/null
		rc=$?
		# shellcheck disable=SC2046
		set -- $(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed.*/\1 \2/p' "$WORK/log" | tail -n 1) x x
		p=$1 f=$2
		[ "$p" = x ] && p=$([ $rc = 0 ] && echo 1 || echo 0) && f=$([ $rc = 0 ] && echo 0 || echo 1)
		add passed "$p"
		echo "   $label $name: $p passed, $f failed ($(($(date +%s) - start)) s)"
		if [ "$f" != 0 ] || [ $rc != 0 ]; then
			grep -v '^ok' "$WORK/log" | tail -n 40 | cut -c 1-300
			[ "$f" -gt 1 ] && add failed $((f - 1))
			fail "$label $name (status $rc)"
		fi
	done
}

# for_each LABEL FOLDER: scripts() without the loss of its list to "set"
for_each() {
	for script in "$2"/*.sh; do
		scripts "$1" "$script"
	done
}

stage_oci() {
	have_runsc "$BUILD" && for_each oci tests/oci
}

stage_confinement() {
	have_runsc "$BUILD" && for_each confinement tests/confinement
}

stage_clients() {
	have_runsc "$BUILD" && for_each clients tests/clients
}

stage_programs() {
	have_runsc "$BUILD" && for_each programs tests/programs
}

# checked_build DIR LABEL CMAKE-ARGUMENT...: a Debug build of its own, its unit tests and the guest tests
checked_build() {
	dir=$1 label=$2
	shift 2
	if ! build_in "$dir" -DCMAKE_BUILD_TYPE=Debug "$@"; then
		fail "$label build"
		return 1
	fi
	[ "$label" = tsan ] || ASAN_OPTIONS=detect_leaks=0 unit_dir "$dir" "$label"
	have_runsc "$dir" || return
	stage_dir "$dir"
	GUEST_TIMEOUT=120 guests "sandbox-$label"
}

stage_asan() {
	checked_build "$BUILD-clang" asan -DCMAKE_C_COMPILER=clang -DASAN=ON -DFUZZ=ON
}

stage_debug() {
	checked_build "$BUILD-debug" debug
}

stage_tsan() {
	checked_build "$BUILD-tsan" tsan -DTSAN=ON
}

# fuzz_calls ROUNDS: calls with any arguments inside a sandbox, always the same ones, or others with --long
fuzz_calls() {
	want calls || return
	seed=1
	[ -n "$LONG" ] && seed=$(date +%s)
	stage_dir "$dir"
	cc -O1 -o "$WORK/bin/calls" tests/fuzz/inside/calls.c || { fail "fuzz calls"; return; }
	if ASAN_OPTIONS=detect_leaks=0 "$WORK/census" -t $(($1 * 10 + 60)) -- "$WORK/runsc" do -- \
		"$WORK/bin/calls" "$seed" "$1" > "$WORK/log" 2>&1 < /dev/null; then
		add passed 1
	else
		tail -n 60 "$WORK/log" | cut -c 1-300
		fail "fuzz calls $seed $1"
	fi
}

# A finding leaves its input in build-clang/findings: run the target with that file to see it again.
stage_fuzz() {
	dir="$BUILD-clang"
	build_in "$dir" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=clang -DASAN=ON -DFUZZ=ON ||
		{ fail "fuzz build"; return; }
	seconds=4
	[ -n "$LONG" ] && seconds=60
	fuzz_calls $((seconds / 2))
	for t in "$dir"/fuzz/*; do
		name=$(basename "$t")
		want "$name" || continue
		t=$(cd "$dir/fuzz" && pwd)/$name
		mkdir -p "$WORK/fuzz" "$dir/findings"
		if (cd "$WORK/fuzz" && "$WORK/census" -t $((seconds + 120)) -- "$t" -max_total_time=$seconds \
			-timeout=20 -rss_limit_mb=4096) > "$WORK/log" 2>&1 < /dev/null; then
			add passed 1
		else
			grep -v '# Uses' "$WORK/log" | tail -n 40 | cut -c 1-300
			cp "$WORK"/fuzz/crash-* "$WORK"/fuzz/timeout-* "$WORK"/fuzz/oom-* "$dir/findings" 2> /dev/null
			fail "fuzz $name"
		fi
		rm -rf "$WORK/fuzz"
	done
}

# ---- all ----------------------------------------------------------------------------------------------------------

if ! install_packages; then
	fail "packages"
	STAGES=
fi
make_census
for stage in $STAGES; do
	case $stage in
	build | unit | lint | native | sandbox | oci | confinement | clients | programs | asan | fuzz | debug | tsan) ;;
	*) echo "run.sh: unknown stage $stage (--help tells)" >&2; exit 2 ;;
	esac
	before=$(cat "$WORK/failed.n")
	start=$(date +%s)
	echo "== $stage"
	"stage_$stage"
	echo "   $(cat "$WORK/passed.n") passed, $(cat "$WORK/failed.n") failed so far, $(($(date +%s) - start)) s"
	[ "$(cat "$WORK/failed.n")" = "$before" ] && continue
	[ "$stage" = build ] && break
	[ -n "$KEEP" ] || break
done
if [ -s "$WORK/failed" ]; then
	echo "== failed:"
	sed 's/^/   /' "$WORK/failed"
fi
passed=$(cat "$WORK/passed.n") failed=$(cat "$WORK/failed.n") skipped=$(cat "$WORK/skipped.n")
if [ "$skipped" -gt 0 ]; then
	echo "$passed passed, $failed failed, $skipped skipped"
else
	echo "$passed passed, $failed failed"
fi
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
