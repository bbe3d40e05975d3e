package Intake::Campaign::Client;

# Copyright (C) nginx-intake contributors

# A process that delivers on many connections at once, as platforms do: what
# is not acknowledged is sent again, now and then there are copies of one
# delivery at once, or one is sent again after its acknowledgement, or it is
# not waited for an answer and the connection is reset.
#
# Each answer is a line of the file `out`: STATUS ID ENTRY DUPLICATE, with `-`
# for what there is not.  STATUS is 0 if no answer came, `-` if it was not
# waited for, and `?` if the answer is another delivery's.  It ends when the
# file `stop` is there and every delivery has been acknowledged.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_hex);
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(time);

my $secret = 's3cret';

# of each hundred new deliveries
my ($copied, $repeated, $abandoned, $closed) = (3, 2, 1, 2);

# seconds to wait for an answer, and for all of them in the end
my ($patience, $end_patience) = (8, 120);

# how many may wait to be sent again
my $most = 300;


# port, out, stop; name: the beginning of its ids; sources: the names of their
# locations; slots: connections; rate: new deliveries a second, 0: any

sub new {
    my ($class, %opt) = @_;
    return bless {
        slots => 16, rate => 0, %opt, made => 0, due => [], later => [],
        lines => '', idle => [], busy => {} }, $class;
}


sub body { "body of $_[0]" }


# The source of an id is the word before its first "-".

sub source { $_[0] =~ /^([^-]+)-/ ? $1 : die "no source in $_[0]\n" }


sub run {
    my ($self) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my ($looked, $parent) = (0, getppid());

    open $self->{fh}, '>', $self->{out} or die "$self->{out}: $!\n";
    $self->{fh}->autoflush(1);
    $self->{idle} = [map { {} } 1 .. $self->{slots}];
    $self->{start} = time();

    while (1) {
        my $now = $self->{now} = time();

        if ($now > $looked + 0.05) {
            $self->{stopped} ||= -e $self->{stop} && $now;
            die "nobody reads it\n" if getppid() != $parent;
            $looked = $now;
        }

        $self->schedule();
        $self->fill();

        print {$self->{fh}} $self->{lines} if $self->{lines} ne '';
        $self->{lines} = '';

        last if $self->{stopped} && !%{$self->{busy}} && !@{$self->{due}}
                && !@{$self->{later}};
        die "some are not acknowledged in the end\n"
            if $self->{stopped} && $now > $self->{stopped} + $end_patience;

        $self->wait();
    }

    close $self->{fh};
}


sub schedule {
    my ($self) = @_;
    my @later;

    for my $item (@{$self->{later}}) {
        if ($item->[0] <= $self->{now}) {
            push @{$self->{due}}, $item->[1];

        } else {
            push @later, $item;
        }
    }

    $self->{later} = \@later;
}


sub fill {
    my ($self) = @_;

    while (@{$self->{idle}}) {
        my $id = shift @{$self->{due}} // $self->new_id() // return;

        $self->post(shift @{$self->{idle}}, $id);
    }
}


sub new_id {
    my ($self) = @_;

    return undef if $self->{stopped} || @{$self->{later}} > $most;
    return undef if $self->{rate}
        && $self->{made} >= $self->{rate} * ($self->{now} - $self->{start});

    my $sources = $self->{sources};
    my $id = "$sources->[rand @$sources]-$self->{name}-" . ++$self->{made};

    push @{$self->{due}}, ($id) x (1 + rand 3) if chance($copied);

    return $id;
}


sub chance { rand(100) < $_[0] }


sub again {
    my ($self, $id, $seconds) = @_;
    push @{$self->{later}}, [$self->{now} + $seconds, $id];
}


sub post {
    my ($self, $slot, $id) = @_;
    my $body = body($id);
    my $signature = hmac_sha256_hex("$id.$body", $secret);

    $slot->{socket} //= IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Proto => 'tcp');

    @$slot{qw(id in until)} = ($id, '', $self->{now} + $patience);
    $slot->{abandon} = chance($abandoned);
    $slot->{until} = $self->{now} + rand 0.02 if $slot->{abandon};

    my $request = 'POST /' . source($id) . " HTTP/1.1\r\nHost: localhost\r\n"
        . "X-Id: $id\r\nX-Signature: $signature\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";

    return $self->fail($slot)
        unless $slot->{socket}
               && (syswrite($slot->{socket}, $request) // 0)
                  == length $request;

    $self->{busy}{fileno $slot->{socket}} = $slot;
}


sub wait {
    my ($self) = @_;
    my $busy = $self->{busy};
    my $vec = '';

    vec($vec, $_, 1) = 1 for keys %$busy;

    my $n = select my $ready = $vec, undef, undef, 0.01;

    for my $fd (keys %$busy) {
        my $slot = $busy->{$fd};

        if ($n > 0 && vec($ready, $fd, 1)) {
            $self->receive($slot);

        } elsif ($slot->{until} < $self->{now}) {
            $self->fail($slot);
        }
    }
}


sub receive {
    my ($self, $slot) = @_;
    my $n = sysread $slot->{socket}, $slot->{in}, 65536, length $slot->{in};

    return $self->fail($slot) unless $n;

    my $head = index $slot->{in}, "\r\n\r\n";
    return if $head < 0;

    my ($status) = $slot->{in} =~ m{^HTTP/1\.1 (\d+)};
    my ($length) = $slot->{in} =~ /^content-length: (\d+)\r$/im;

    return $self->fail($slot) unless defined $status && defined $length;
    return if length $slot->{in} < $head + 4 + $length;

    $self->answered($slot, $status, substr $slot->{in}, $head + 4);
}


sub answered {
    my ($self, $slot, $status, $body) = @_;
    my $id = $slot->{id};
    my ($about) = $body =~ /"id":"([^"]*)"/;
    my ($entry) = $body =~ /"entry":"([^"]*)"/;
    my $duplicate = $body =~ /"duplicate":true/ ? 1 : 0;

    $status = '?' if $status == 200 && ($about // '') ne $id;
    $self->note($status, $id, $entry // '-', $duplicate);
    $self->free($slot, $slot->{in} =~ /^connection: close\r$/im
                       || chance($closed));

    if ($status ne '200') {
        $self->again($id, 0.05 + rand 0.4);

    } elsif (!$self->{stopped} && chance($repeated)) {
        $self->again($id, rand 5);
    }
}


sub fail {
    my ($self, $slot) = @_;
    my $id = $slot->{id};

    if ($slot->{abandon} && $slot->{socket}) {
        setsockopt $slot->{socket}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
        $self->note('-', $id, '-', 0);

    } else {
        $self->note(0, $id, '-', 0);
    }

    $self->free($slot, 1);
    $self->again($id, 0.05 + rand 0.4);
}


sub note {
    my ($self, @words) = @_;
    $self->{lines} .= "@words\n";
}


sub free {
    my ($self, $slot, $close) = @_;

    if ($slot->{socket}) {
        delete $self->{busy}{fileno $slot->{socket}};
        close delete $slot->{socket} if $close;
    }

    push @{$self->{idle}}, $slot;
}


1;
