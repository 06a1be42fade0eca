#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# archive.sh - tar with gzip and xz -T2 on a real tree
. "$(dirname "$0")/lib.sh"

compare "tar to a file and back" 200 <<'END'
tar -C /usr -cf t.tar --sort=name include/linux include/x86_64-linux-gnu
tar -tvf t.tar | sha256sum
mkdir out; tar -C out -xpf t.tar; diff -r /usr/include/linux out/include/linux && echo same
(cd out && find . -mindepth 2 -printf '%P %y %m %T@ %l\n' | sort | sha256sum)
rm -r out t.tar
END
compare "tar through gzip" 200 <<'END'
tar -C /usr -cf - --sort=name --owner=0 --group=0 --mtime=@0 include | gzip -n -6 > t.gz; sha256sum t.gz
gzip -t t.gz && echo good; gzip -dc t.gz | tar -tf - | wc -l
gzip -dc t.gz | tar -xOf - include/stdio.h | cmp - /usr/include/stdio.h && echo same
head -c 1000 t.gz > cut.gz; gzip -t cut.gz 2>/dev/null; echo $?; rm t.gz
END
compare "tar through xz -T2" 300 <<'END'
tar -C /usr -cf t.tar --sort=name --owner=0 --group=0 --mtime=@0 include
xz -T2 -2 -k --block-size=1MiB t.tar; xz -l t.tar.xz | awk 'NR == 2 {print $1, $2}'
xz -dc -T2 t.tar.xz | cmp - t.tar && echo same; sha256sum t.tar.xz; rm t.tar
tar -xJf t.tar.xz include/linux; ls include/linux | wc -l; rm -r include t.tar.xz
END
compare "special files, links, sparse, long names, incremental" 60 -x 'snar' <<'END'
mkdir s; cd s; ln -s target link; echo x > hard1; ln hard1 hard2; mkfifo fifo; mkdir -m 700 dir; truncate -s 10M sparse; printf end >> sparse
n=$(printf '%0200d' 7); echo long > $n; chmod 4711 hard1; touch -d @1000000000 dir; cd ..
tar -cSf s.tar s; stat -c %s s.tar | awk '{print ($1 < 100000)}'; mkdir o; tar -C o -xpf s.tar; cd o/s; stat -c '%n %F %a %h' *; cmp sparse ../../s/sparse && echo sparse
cd ../..; tar -g snar -cf i0.tar s; echo new > s/new; tar -g snar -cf i1.tar s; tar -tf i1.tar | sort | head -3; rm *.tar; rm -r o
END
finish
