#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# java.sh - javac and java: threads, garbage collection under load, files, processes
. "$(dirname "$0")/lib.sh"

compare "compile; threads, executors, garbage collection, files, processes" 300 -u -x 'class|hsperf' <<'END'
cat > T.java <<'J'
import java.util.*; import java.util.concurrent.*; import java.util.concurrent.atomic.*; import java.nio.file.*; import java.util.stream.*;
public class T {
  static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
  public static void main(String[] a) throws Exception {
    ExecutorService e = Executors.newFixedThreadPool(8); List<Future<Integer>> l = new ArrayList<>(); for (int i = 0; i < 40; i++) { int k = i % 20; l.add(e.submit(() -> fib(k + 8))); }
    long s = 0; for (Future<Integer> f : l) s += f.get(); e.shutdown(); System.out.println(s);
    Map<Integer, byte[]> m = new HashMap<>(); long sum = 0; for (int i = 0; i < 300000; i++) { m.put(i % 2000, new byte[1000 + i % 100]); sum += m.get(i % 2000).length; } System.gc(); System.out.println(sum + " " + m.size());
    AtomicLong c = new AtomicLong(); Object lock = new Object(); int[] n = {0}; Thread[] t = new Thread[8]; for (int i = 0; i < 8; i++) { t[i] = new Thread(() -> { for (int k = 0; k < 20000; k++) { c.incrementAndGet(); synchronized (lock) { n[0]++; } } }); t[i].start(); } for (Thread x : t) x.join(); System.out.println(c.get() + " " + n[0]);
    CyclicBarrier b = new CyclicBarrier(4); ConcurrentHashMap<String, Integer> h = new ConcurrentHashMap<>(); Thread[] u = new Thread[4]; for (int i = 0; i < 4; i++) { u[i] = new Thread(() -> { try { for (int k = 0; k < 100; k++) { b.await(); h.merge("k" + k, 1, Integer::sum); } } catch (Exception x) { x.printStackTrace(); } }); u[i].start(); } for (Thread x : u) x.join(); System.out.println(h.values().stream().mapToInt(x -> x).sum());
    Files.write(Path.of("f"), IntStream.range(0, 10000).mapToObj(Integer::toString).collect(Collectors.toList())); System.out.println(Files.lines(Path.of("f")).mapToInt(Integer::parseInt).sum()); Files.createDirectories(Path.of("x/y")); Files.move(Path.of("f"), Path.of("x/y/f")); try (var w = Files.walk(Path.of("x"))) { System.out.println(w.sorted().collect(Collectors.toList())); }
    Process p = new ProcessBuilder("sh", "-c", "echo child; exit 3").start(); System.out.println(new String(p.getInputStream().readAllBytes()).trim() + p.waitFor()); System.out.println(IntStream.range(0, 1000000).parallel().mapToLong(x -> (long) x * x).sum());
    try { int[] q = null; System.out.println(q[0]); } catch (NullPointerException x) { System.out.println("npe"); } try { rec(0); } catch (StackOverflowError x) { System.out.println("overflow"); } try { List<byte[]> o = new ArrayList<>(); while (true) o.add(new byte[10 << 20]); } catch (OutOfMemoryError x) { System.out.println("oom"); } System.out.println(Runtime.getRuntime().availableProcessors() > 0); System.exit(6);
  }
  static int rec(int n) { return rec(n + 1) + 1; }
}
J
javac T.java; echo $?; java -Xmx128m T; echo $?; java -Xmx128m -XX:+UseSerialGC T; echo $?; java -Xmx128m -XX:+UseParallelGC -Xint T | tail -1; java -version 2>&1 | wc -l
END
finish
