#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# search.sh - find, grep -r, sed, awk on a real tree
. "$(dirname "$0")/lib.sh"

compare "find: all of its tests on /usr" 200 <<'END'
find /usr/share /usr/lib /usr/bin -xdev | wc -l
find /usr/share /usr/lib /usr/bin -xdev -printf '%p %y %s %m %n %l\n' | sort | sha256sum
find /usr/include -name '*.h' -size +50k | sort
find /usr/include -type l | sort | head
find /usr/bin -perm -4000 -o -perm -2000 | sort
find /usr/share -maxdepth 2 -empty | sort | head -20
find /usr/include -newer /etc/debian_version -name '*.h' | wc -l
find /usr/include -name 's*.h' -exec grep -l socket {} + | sort
find /usr/bin -type f -name 'z*' -print0 | xargs -0 -n 1 -P 4 basename | sort
END
compare "find -delete and -exec in a tree of its own" 60 <<'END'
mkdir -p a/b/c d; for i in $(seq 200); do echo $i > a/f$i; done; touch a/b/x.o a/b/c/y.o d/z.o
find . -name '*.o' -delete; find . -type d -empty | sort; find a -name 'f1*' -exec rm {} \; ; ls a | wc -l
find . -name 'f2*' -exec sh -c 'cat "$@" | sort -n | tail -1' _ {} +
END
compare "grep -r" 200 <<'END'
grep -r 'struct sockaddr' /usr/include | sort | sha256sum
grep -rc define /usr/include/linux | sort | tail -5
grep -rlE '\b(epoll|signalfd)_[a-z]+' /usr/include | sort
grep -rn --include='*.h' -w fork /usr/include | sort | head
grep -rIi 'the quick' /usr/share/doc 2>/dev/null | wc -l
seq 1 200000 | grep -E '^1.*9$' | wc -l; seq 100 | grep -v 1 | tr '\n' ' '; echo abc | grep -q z; echo $?
grep -zo 'a' /etc/passwd | tr '\0' '\n' | wc -l; echo 'x=1' | grep -oP '(?<==)\d'
END
compare "sed" 60 <<'END'
seq 1 100000 | sed -n '5~1000p' | md5sum
sed -e 's/root/ROOT/g' -e '/nologin/d' -e '$a last' /etc/passwd | md5sum
cp /etc/passwd p; sed -i.bak 's/:/|/g' p; head -1 p | tr -dc '|' ; echo; ls; cmp p.bak /etc/passwd && echo kept
printf 'a\nb\nc\n' | sed -n '1!G;h;$p'; echo hello | sed 's/\(.\)/\1\1/g; y/l/L/'; sed -n '/^root/{s/:.*//p;q}' /etc/passwd
echo one two | sed -E 's/(\w+) (\w+)/\2 \1/'; sed = /etc/hostname | head -1; printf 'x\n' | sed 'w out' ; cat out
END
compare "awk" 60 <<'END'
awk -F: '{n[$7]++} END {for (s in n) print s, n[s]}' /etc/passwd | sort
seq 1 300000 | awk '{s += $1; q += $1 * $1} END {printf "%d %.0f\n", s, q}'
awk 'BEGIN {while (("seq 5" | getline l) > 0) print l * 2; close("seq 5"); print 7 | "cat"; close("cat"); system("echo sys")}'
awk 'BEGIN {for (i = 0; i < 100000; i++) a[i % 997] += i; n = 0; for (k in a) n += a[k]; print n}'
awk '{print > ("out" NR % 3)}' /etc/passwd; cat out* | wc -l; awk 'BEGIN {print substr("hello", 2, 3), length("xyz"), toupper("up"), match("foobar", /o+/)}'
echo 'a b c' | awk '{$2 = "X"; print; print NF, $NF}'; awk 'BEGIN {exit 5}'; echo $?
END
finish
