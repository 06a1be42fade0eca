#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# coreutils.sh - ls -lR /usr, cp -a, sort of 100 MB, sha256sum, dd and many small tools
. "$(dirname "$0")/lib.sh"

compare "ls -lR /usr" 200 <<'END'
ls -lR --time-style=full-iso /usr > list; wc -l < list; sha256sum < list; rm list
END
compare "ls, stat, du, wc of a tree" 100 <<'END'
cp -a /usr/include/linux tree
stat -c '%n %F %s %a %h %U %G' tree tree/* | head -50
find tree -type f | wc -l
wc -c tree/*.h | tail -1
du -s --apparent-size tree/* | sort -n | tail -3
ls -1U tree | sort | md5sum
END
compare "cp -a, ln, mv, install, rm" 200 -o <<'END'
cp -a /usr/include inc
(cd /usr/include && find . -type f -print0 | sort -z | xargs -0 sha256sum) | sha256sum
(cd inc && find . -type f -print0 | sort -z | xargs -0 sha256sum) | sha256sum
(cd inc && find . -printf '%P %y %m %l %T@\n' | sort | sha256sum)
(cd /usr/include && find . -printf '%P %y %m %l %T@\n' | sort | sha256sum)
mv inc inc2; ln -s inc2 sym; ln inc2/stdio.h hard; stat -c %h hard
install -m 750 -D hard a/b/c; stat -c %a a/b/c
rm -r inc2; ls; cat hard | wc -l
END
compare "sort of 100 MB" 300 -o <<'END'
seq 1 12000000 | rev > big 2>/dev/null || seq 1 12000000 > big
ls -l big | awk '{print $5}'
sort -S 40M --parallel=2 -T . big > sorted; sha256sum < sorted; sort -c sorted && echo sorted
sort -u big | wc -l; ls | sort
END
compare "sha256sum, md5sum, cksum, split, cat" 200 <<'END'
head -c 50000000 /dev/zero | tr '\0' 'x' > f
sha256sum f; md5sum f; cksum f
split -b 7000000 f part.; sha256sum part.*; cat part.* | cmp - f && echo same
rm f part.a[b-h]
END
compare "dd in all sizes" 200 <<'END'
dd if=/dev/zero of=z bs=512 count=20000 2>/dev/null; stat -c %s z
dd if=/dev/zero of=y bs=64k count=1000 2>/dev/null; sha256sum y
dd if=y of=z bs=1M seek=100 conv=notrunc 2>/dev/null; stat -c '%s' z
dd if=z bs=4096 skip=10 count=5 2>/dev/null | sha256sum
dd if=/dev/zero bs=1 count=10000 2>/dev/null | wc -c
dd if=y bs=100001 iflag=fullblock 2>/dev/null | dd bs=777 iflag=fullblock 2>/dev/null | cksum
dd if=/nonexistent 2>/dev/null; echo $?
truncate -s 1G sparse; stat -c '%s %b' sparse; cp --sparse=always sparse s2; stat -c '%s' s2; rm y z
END
compare "the rest: one line each" 100 -u <<'END'
basename /a/b.c .c; dirname /a/b; realpath -m x/../y | sed 's,.*/,,'; readlink -f /proc/self/exe | sed 's,.*/,,'
d=$(mktemp -d dirXXXX); echo ${#d}; rmdir $d; touch -d '2001-02-03 04:05:06' t; stat -c '%y' t; chmod 4755 t; stat -c %a t
printf '3\n1\n2\n' | sort | uniq -c | tac; seq 5 | paste -sd+ ; echo 'a:b:c' | cut -d: -f2; nl -ba < t
echo hello | od -c; echo hello | base64; expr 6 '*' 7; factor 1234567890; numfmt --to=iec 123456789
tr a-z A-Z < /etc/hostname | wc -l; fold -w 10 /etc/passwd | head -3; comm -12 /etc/passwd /etc/passwd | wc -l
join /etc/hostname /etc/hostname | wc -l; tee a b < /etc/passwd | md5sum; cmp a b && echo same; timeout 0.2 sleep 5; echo $?
mkfifo fifo; stat -c %F fifo; env -i A=1 env; id -u; whoami; tty; pwd | sed 's,.*/,,'; nice -n 3 nice; nproc > /dev/null; uname -s
shred -u a; ls; df . > /dev/null && echo df; sync && echo sync; date -u -d @0; sleep 0.01; kill -l 9; pathchk x && echo ok; tsort < /dev/null
chown 0:0 b 2>/dev/null; echo $?; stdbuf -oL echo line; nohup echo nohup 2>/dev/null; cat nohup.out 2>/dev/null; tail -c 20 /etc/passwd | wc -c
END
compare "tail -f follows a growing file" 60 <<'END'
echo 1 > log; tail -n +1 -f log > seen & p=$!
sleep 0.3; for i in 2 3 4; do echo $i >> log; sleep 0.1; done; sleep 1.2; kill $p; wait $p 2>/dev/null; cat seen
END
finish
