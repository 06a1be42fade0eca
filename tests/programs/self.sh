#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# self.sh - Bulkhead builds itself inside Bulkhead, and its unit tests pass there
. "$(dirname "$0")/lib.sh"

mkdir "$W/src"
(cd "$TOP" && git ls-files -z --cached --others --exclude-standard |
	tar -c --null --ignore-failed-read -T - -f - 2> /dev/null) | tar -x -C "$W/src"
cat > "$W/build.sh" <<'END'
set -e
cp -r "$1/src" /tmp/bulkhead-self
cd /tmp/bulkhead-self
cmake -G 'Unix Makefiles' -B b -S . > log 2>&1 || { cat log; exit 1; }
make -C b -j2 > log 2>&1 || { tail -n 30 log; exit 1; }
b/bin/runsc --version | head -n 1
bad=0
for t in b/unit/*; do
	[ -x "$t" ] && [ ! -d "$t" ] || continue
	case ${t##*/} in
	# These start host processes that confine themselves: filters, namespaces. A guest has none of that.
	platform_* | gofer_*) echo "needs the host's seccomp: ${t##*/}"; continue ;;
	# A hole that is punched into a mapped memfd reads as zero inside, but keeps its blocks (README).
	mm_memfile) echo "counts the blocks of a mapped memfd: ${t##*/}"; continue ;;
	esac
	if CK_TIMEOUT_MULTIPLIER=20 "$t" > log 2>&1; then echo "unit ${t##*/} good"; else echo "unit ${t##*/} status $?"; tail -n 5 log; bad=1; fi
done
exit $bad
END
# shellcheck disable=SC2086
"$CENSUS" -t 900 -- "$RUNSC" do --volume "$W:$W:ro" -- env -i $CLEAN_ENV HOME=/tmp sh "$W/build.sh" "$W" > "$W/log" 2>&1 < /dev/null
echo "   status $?"
tail -n 40 "$W/log"
check "it builds, and says its version" grep -q '^runsc version' "$W/log"
for t in $(sed -n 's/^unit \([^ ]*\) .*/\1/p' "$W/log"); do
	check "unit test $t inside" grep -q "^unit $t good" "$W/log"
done
check "the overlay left nothing on the host" test ! -e /tmp/bulkhead-self
finish
