#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# perl.sh - perl: files, processes, pipes, signals, sockets, sorting, modules
. "$(dirname "$0")/lib.sh"

compare "perl: data, regular expressions, files" 60 -i perl <<'END'
use strict; use warnings; use Digest::SHA qw(sha256_hex); use List::Util qw(sum max shuffle); use POSIX qw(floor strftime);
my %h = map { $_ => $_ ** 2 } 1 .. 50000; print sum(values %h), "\n";
open my $f, '>', 'data' or die; print $f "$_ ", $_ * 3, "\n" for 1 .. 20000; close $f;
open $f, '<', 'data' or die; my $s = 0; while (<$f>) { my ($a, $b) = /(\d+) (\d+)/; $s += $b - $a; } print "$s\n"; close $f;
print sha256_hex(join ',', sort { $b <=> $a } values %h), "\n"; print strftime('%Y-%m-%d', gmtime 86400 * 365), "\n";
my $t = 'x' x 1000000; my $n = () = $t =~ /xx/g; print "$n\n"; mkdir 'd'; symlink 'data', 'd/l'; rename 'data', 'd/data';
opendir my $d, 'd' or die; print join(' ', sort readdir $d), "\n"; print -s 'd/data', ' ', (-l 'd/l' ? 'link' : 'no'), "\n"; utime 1, 2, 'd/data'; print +(stat 'd/data')[9], "\n";
open $f, '+<', 'd/data' or die; seek $f, 100, 0; read $f, my $buf, 20; print unpack('H*', $buf), "\n"; truncate $f, 50; print -s $f, "\n"; print "$!\n" unless open my $g, '<', 'none';
END
compare "perl: fork, pipes, signals, select, sockets" 60 -i perl <<'END'
use strict; use warnings; use Socket; use IO::Select; use IO::Socket::UNIX; $| = 1;
pipe my $r, my $w or die; my $p = fork; if (!$p) { close $r; print $w "child $_\n" for 1 .. 3; exit 3 } close $w; print while <$r>; waitpid $p, 0; print $? >> 8, "\n";
my $out = `echo sub; exit 4`; print $out, $? >> 8, "\n"; print system('sh', '-c', 'kill -9 $$') & 127, "\n"; open my $c, '-|', 'seq 5' or die; my @l = <$c>; close $c; print scalar(@l), "\n";
my $got = 0; local $SIG{USR1} = sub { $got++ }; kill USR1 => $$ for 1 .. 5; print $got > 0 ? "signal\n" : "none\n"; eval { local $SIG{ALRM} = sub { die "alarm\n" }; alarm 1; select undef, undef, undef, 10; }; print $@;
socketpair my $a, my $b, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die; syswrite $a, 'ping'; my $sel = IO::Select->new($b); print scalar($sel->can_read(1)), "\n"; sysread $b, my $buf, 10; print "$buf\n";
my $l = IO::Socket::UNIX->new(Local => 'sock', Listen => 5) or die $!; if (!fork) { my $k = IO::Socket::UNIX->new(Peer => 'sock') or die; print $k "hello\n"; print scalar <$k>; exit } my $s = $l->accept; my $line = <$s>; print $s "re: $line"; close $s; wait; unlink 'sock';
my @kids = map { my $p = fork // die; exit $_ if !$p; $p } 1 .. 20; my $sum = 0; for (@kids) { waitpid $_, 0; $sum += $? >> 8 } print "$sum\n"; flock STDIN, 2; exec 'sh', '-c', 'echo exec; exit 6';
END
finish
