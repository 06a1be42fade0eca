#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shell.sh - dash and bash: pipelines, here-documents, traps, job control, many forks
. "$(dirname "$0")/lib.sh"

for shell in dash bash; do
	compare "$shell pipelines and redirections" 30 -i $shell <<'END'
seq 1 1000 | grep 7 | sort -rn | head -5 | tr '\n' ' '; echo
echo one > f; echo two >> f; cat < f | while read -r l; do echo "[$l]"; done
exec 3> g; echo three >&3; exec 3>&-; cat g
(echo out; echo err >&2) 2>&1 | sort
ls nonexistent 2>/dev/null || echo "status $?"
false | true; echo $?
yes | head -3
mkfifo p; echo through > p & cat p; wait
{ echo a; echo b; } > h; cat h - < /dev/null
set -C; echo x > f 2>/dev/null || echo noclobber
END
	compare "$shell here-documents and quoting" 30 -i $shell <<'END'
x=value
cat <<A
plain $x $(echo sub) `echo tick` $((6 * 7))
A
cat <<'B'
quoted $x $(no)
B
cat <<-C
	tabs gone
	C
f() { cat; }
f <<D | tr a-z A-Z
into a function
D
i=0; while [ $i -lt 50 ]; do cat <<E
line $i
E
i=$((i + 1)); done | md5sum
printf '%s\n' "a  b" 'c"d' e\ f
echo "${x#va}" "${x%ue}" "${y:-default}" "${#x}"
END
	compare "$shell traps and signals" 30 -u -i $shell <<'END'
trap 'echo usr1' USR1
kill -USR1 $$
(trap 'echo term; kill $s; exit 3' TERM; sleep 60 & s=$!; kill -TERM $(sh -c 'echo $PPID'); wait) ; echo "sub $?"
sh -c 'kill -9 $$'; echo "killed $?"
sh -c 'kill -SEGV $$'; echo "segv $?"
trap '' INT; kill -INT $$; echo ignored
sleep 100 & p=$!; kill $p; wait $p; echo "wait $?"
(trap 'echo exit trap' EXIT; set -e; false; echo not reached); echo $?
END
	compare "$shell a thousand forks" 120 -i $shell <<'END'
i=0; n=0
while [ $i -lt 1000 ]; do
	r=$(echo $i)
	[ "$r" = $i ] && n=$((n + 1))
	i=$((i + 1))
done
echo $n
i=0; while [ $i -lt 100 ]; do (exit $((i % 7))); s=$?; [ $s = $((i % 7)) ] || echo bad; /bin/true & i=$((i + 1)); done; wait; echo done
END
	compare "$shell job control" 60 -i "$shell" -u <<'END'
set -m
sleep 100 & a=$!
sh -c 'kill -STOP $$; exit 7' & b=$!
sleep 0.3
case $(ps -o stat= -p $b) in T*) echo stopped ;; *) echo "state $(ps -o stat= -p $b)" ;; esac
kill -CONT $b; sleep 0.3; wait $b; echo "b $?"
[ "$(ps -o pgid= -p $a | tr -d ' ')" = $a ] && echo own group
kill $a; wait $a; echo "a $?"
(sleep 0.1; echo late) & wait; echo all
END
done
compare "bash arrays, process substitution, coproc, regex" 30 -i bash <<'END'
a=(x y "z w"); echo "${a[@]}" "${#a[@]}" "${a[2]}"
declare -A m=([k]=v [j]=w); echo "${m[k]}${m[j]}"
diff <(seq 1 5) <(seq 1 6); echo $?
tee >(wc -l > count) < <(seq 10) > /dev/null; sleep 0.3; cat count
[[ abc123 =~ ([a-z]+)([0-9]+) ]] && echo "${BASH_REMATCH[2]}"
coproc cat; echo ping >&"${COPROC[1]}"; read -r l <&"${COPROC[0]}"; echo "$l"; exec {COPROC[1]}>&-
mapfile -t lines < <(printf 'a\nb\n'); echo "${#lines[@]}"
shopt -s nullglob globstar; mkdir -p d/e; touch d/1 d/e/2; echo d/**; echo nothing*
printf -v t '%(%Y)T' 0; echo "$t"
time -p true 2>/dev/null; ulimit -n 100; ulimit -n
END
compare "a terminal: script(1) sees one, job control by keys" 60 -u <<'END'
command -v script > /dev/null || exit 0
printf 'tty\nstty size\necho $((1+1))\nexit 4\n' | script -qec 'dash -i' /dev/null 2>&1 | tr -d '\r' | grep -cE '^(/dev/pts/[0-9]+|2)$'
script -qec 'stty -a; exit 3' /dev/null < /dev/null | tr -d '\r' | grep -o 'intr = ^C'
script -qec 'sleep 50' /dev/null < /dev/null > /dev/null & sleep 1; kill $!; wait 2>/dev/null; echo gone
END
finish
