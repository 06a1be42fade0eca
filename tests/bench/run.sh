#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh - the speed of the sandbox beside a plain container: two tables
#
# usage: sh tests/bench/run.sh [--rounds N] [--only PATTERN] [--micro | --programs] [--json FILE]
#        sh tests/bench/run.sh --explain ROW
#
# Needs root, runc (installed when missing) and a quiet machine. Builds runsc (Release) and tests/bench/micro.c, and
# runs each row in a runc container and in `runsc do` in turns. RUNSC names another binary. Rows whose ratio is
# above gVisor's are marked MISSED. --explain tells for one row of the first table what an operation costs the sentry.
# A single row of the first table: build/bench/micro ROW.
set -eu
TOP=$(cd "$(dirname "$0")/../.." && pwd)
cd "$TOP"
if [ "$(id -u)" != 0 ]; then
	echo "run.sh: containers by runc need root" >&2
	exit 2
fi
missing=
for pair in gcc:gcc /usr/include/stdio.h:libc6-dev cmake:cmake ninja:ninja-build runc:runc /usr/bin/python3:python3 \
	perl:perl ruby:ruby node:nodejs git:git make:make find:findutils tar:tar; do
	[ -e "${pair%%:*}" ] || command -v "${pair%%:*}" > /dev/null || missing="$missing ${pair#*:}"
done
if [ -n "$missing" ]; then
	DEBIAN_FRONTEND=noninteractive apt-get update -q > /dev/null
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing > /dev/null
fi
if [ -z "${RUNSC:-}" ]; then
	[ -f build/CMakeCache.txt ] || cmake -G Ninja -B build -S . -DCMAKE_BUILD_TYPE=Release > /dev/null
	cmake --build build --target runsc -j "$(nproc)" > build/bench.log 2>&1 || { tail -n 20 build/bench.log; exit 1; }
	RUNSC=$TOP/build/bin/runsc
fi
mkdir -p build/bench
gcc -O2 -pthread -o build/bench/micro tests/bench/micro.c
echo "$(uname -sr), $(nproc) CPUs, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(runc --version | head -n 1), load $(cut -d' ' -f1 /proc/loadavg)"
exec python3 tests/bench/bench.py "$RUNSC" "$TOP/build/bench/micro" "$@"
