#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# stdio.sh - standard files of the host, as pipes, files and devices, also opened again through /dev and /proc
. "$(dirname "$0")/lib.sh"

# same NAME INPUT SCRIPT: standard input from a file with INPUT's text, output and errors to files that have a line
# already; then all three as pipes. Both ways natively and in the sandbox; what came out must be the same.
same() {
	same_name=$1 script=$3
	printf '%b' "$2" > "$W/in"
	for how in native inside; do
		[ $how = native ] && run="sh -c" || run="$RUNSC do --cwd / -- sh -c"
		echo first > "$W/$how.out"
		echo first > "$W/$how.err"
		timeout 30 $run "$script" < "$W/in" >> "$W/$how.out" 2>> "$W/$how.err"
		echo "status $?" >> "$W/$how.out"
		echo first > "$W/$how.over"
		timeout 30 $run "$script" < "$W/in" > "$W/$how.over" 2> /dev/null
		{ timeout 30 $run "$script" < "$W/in" 3>&1 1>&2 2>&3 3>&- | cat > "$W/$how.perr"; } 2>&1 | cat > "$W/$how.pout"
		cat "$W/in" | timeout 30 $run "$script" 2> /dev/null | cat > "$W/$how.pipes"
	done
	ok=1
	for part in out err over perr pout pipes; do
		cmp -s "$W/native.$part" "$W/inside.$part" || {
			ok=0
			echo "   $part differs:"
			diff "$W/native.$part" "$W/inside.$part" | head -n 10
		}
	done
	[ $ok = 1 ] && passed "$same_name" || failed "$same_name"
}

same "plain" 'a\nb\n' 'cat; echo out; echo err >&2; exit 3'
same "/dev/stdout and /dev/stderr" '' 'echo one; echo two > /dev/stderr; echo three >> /dev/stdout'
same "truncated by being opened again" '' 'echo long line; echo x > /dev/stdout'
same "/dev/stdin is read from the start of a file" '1\n2\n3\n' 'read a; echo "$a"; cat /dev/stdin; echo end'
same "/proc/self/fd" '1\n2\n3\n' 'cat /proc/self/fd/0 | wc -l; echo x > /proc/self/fd/2'
same "a descriptor of its own" 'abc\ndef\n' 'exec 3< /dev/stdin; read a <&3; echo "$a"; exec 3<&-; cat > /dev/null'
same "tee" 'some\nlines\n' 'tee /dev/stderr'
same "length and kind" '12345\n' 'test -f /dev/stdin && stat -L -c %s /dev/stdin; test -p /dev/stdin && echo pipe; true'
finish
