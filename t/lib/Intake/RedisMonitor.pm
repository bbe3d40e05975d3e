package Intake::RedisMonitor;

# Copyright (C) nginx-intake contributors

# What a Redis is told, as MONITOR shows it: how else could it be seen that
# somebody has been there, and has found nothing?
#
#     my $monitor = Intake::RedisMonitor->new($redis);
#     ...
#     $monitor->sweep('contact', 1741600000);

use strict;
use warnings;

use IO::Socket::UNIX;


sub new {
    my ($class, $redis) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => $redis->socket())
        or die 'redis: ' . $redis->socket() . ": $!";

    print $socket "MONITOR\r\n";
    scalar <$socket>;

    return bless { socket => $socket }, $class;
}


# Waits for sweeps of the clocks of a source, one begun at each of the times
# (s) by the clock of some node.

sub sweep {
    my ($self, $source, @times) = @_;
    my $socket = $self->{socket};
    local $SIG{ALRM} = sub { die "no sweep of $source at @times\n" };

    alarm 30;

    while (@times) {
        my $line = <$socket> // die "redis has gone\n";

        next unless $line =~ /"eval(?:sha)?"/i
                    && index($line, qq("intake:{$source}:escalations")) > 0;
        @times = grep { index($line, qq("${_}000")) < 0 } @times;
    }

    alarm 0;

    return 1;
}


1;
