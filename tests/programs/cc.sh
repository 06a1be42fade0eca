#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cc.sh - gcc, ld, ar, make -j2 of a project with 50 files, gdb-free debugging aids
. "$(dirname "$0")/lib.sh"

compare "gcc: compile, link, run, static and shared, errors" 120 -u <<'END'
cat > hello.c <<'C'
#include <stdio.h>
#include <math.h>
int f(int);
int main(int c, char **v) { printf("%d %s %.3f\n", f(c), __FILE__, sqrt(2)); return f(c) % 256; }
C
echo 'int f(int x) { return x * 42; }' > f.c
gcc -O2 -Wall -c hello.c f.c && ar rcsD libf.a f.o && gcc -o hello hello.o libf.a -lm && ./hello a b; echo $?
gcc -O0 -g -static -o hs hello.c f.c -lm && ./hs; echo $?
gcc -shared -fPIC -o libg.so f.c && gcc -o hd hello.c -L. -lg -lm -Wl,-rpath,'$ORIGIN' && ./hd x; echo $?
echo 'int main(void) { return undeclared; }' > bad.c; gcc -c bad.c; echo "status $?"; gcc -o none nothing.c; echo "status $?"
printf '#include <iostream>\n#include <thread>\n#include <vector>\nint main() { std::vector<std::thread> t; int n[4]; for (int i = 0; i < 4; i++) t.emplace_back([&n, i] { n[i] = i * i; }); for (auto &x : t) x.join(); std::cout << n[3] << std::endl; }\n' > t.cc
g++ -O1 -pthread -o t t.cc && ./t; objdump -d hello | grep -c call; strip hello; nm hello; size hello | wc -l; gcc -E -dM - < /dev/null | wc -l
gcc -O2 -S -o - f.c | grep -c ret; gcc -flto -O2 -o lto hello.c f.c -lm && ./lto; rm -f hello hs hd t lto libg.so
END
compare "make -j2 of 50 files" 200 <<'END'
mkdir src
for i in $(seq 50); do
	printf '#include "all.h"\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nint f%d(int x) { char b[64]; snprintf(b, sizeof b, "%%d", x); return atoi(b) + %d; }\n' $i $i > src/f$i.c
	echo "int f$i(int);" >> src/all.h
done
{ echo '#include "all.h"'; echo '#include <stdio.h>'; echo 'int main(void) { int s = 0;'; for i in $(seq 50); do echo "s += f$i($i);"; done; echo 'printf("%d ", s); return 0; }'; } > src/main.c
cat > Makefile <<'M'
SRC := $(wildcard src/*.c)
OBJ := $(SRC:src/%.c=obj/%.o)
prog: $(OBJ)
	gcc -o $@ $(sort $^)
obj/%.o: src/%.c src/all.h | obj
	gcc -O1 -c -o $@ $<
obj:
	mkdir $@
clean:
	rm -rf obj prog
M
make -j2 2>&1 | sort; ./prog; make -j2; touch -d '2100-01-01' src/f7.c; make -j2 2>&1 | grep -v 'in the future\|Clock skew' | sort; ./prog; make -s clean; ls; make nosuch; echo $?
END
compare "autoconf-like probing: 60 small compilations" 120 -u <<'END'
for h in stdio stdlib string unistd fcntl errno signal time math pthread sys/mman sys/stat sys/wait sys/epoll nothere linux/futex; do
	echo "#include <$h.h>" > c.c; if gcc -c c.c -o c.o; then echo "$h yes"; else echo "$h no"; fi
done
for f in fork vfork mmap epoll_wait inotify_init memfd_create nosuchfunction; do
	printf 'char %s(); int main() { return %s(); }\n' $f $f > c.c; if gcc -w -o c c.c; then echo "$f yes"; else echo "$f no"; fi
done; rm -f c c.o
END
finish
