package Intake::Port;

# Copyright (C) nginx-intake contributors

# A TCP port on 127.0.0.1 that nobody else takes while the object lives: the
# UDP port of the same number is held, which tests that run beside respect.
# It lies below the range from which the system gives ports to clients.

use strict;
use warnings;

use IO::Socket::INET;


my $first = 10000;


sub new {
    my ($class) = @_;
    my $range = limit() - $first;

    for (1 .. 1000) {
        my $port = $first + int(rand($range));
        my $held = IO::Socket::INET->new(
            Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => $port)
            or next;

        IO::Socket::INET->new(
            Proto => 'tcp', LocalAddr => '127.0.0.1', LocalPort => $port,
            Listen => 1, ReuseAddr => 1)
            or next;

        return bless { number => $port, held => $held }, $class;
    }

    die "no free port";
}


sub number { $_[0]{number} }


sub limit {
    open my $fh, '<', '/proc/sys/net/ipv4/ip_local_port_range'
        or return 32768;
    my ($low) = split ' ', <$fh>;
    return $low > $first + 1000 ? $low : 32768;
}


1;
