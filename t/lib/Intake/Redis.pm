package Intake::Redis;

# Copyright (C) nginx-intake contributors

# A client that speaks RESP2, for what a test asks a server.
#
#     my $client = Intake::Redis->new(socket => '/path');    or port => N
#     $client->command('XLEN', 'intake:{a}');
#
# An error reply dies with its text; an error inside an array is a reference
# to its text.  Arrays are array references, nil is undef.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;

use Intake::Test::Valgrind;


sub new {
    my ($class, %opt) = @_;
    my $self = bless { timeout => 15 * Intake::Test::Valgrind::patience(),
                       in => '', %opt }, $class;

    $self->{fh} = defined $opt{socket}
        ? IO::Socket::UNIX->new(Peer => $opt{socket})
        : IO::Socket::INET->new(Proto => 'tcp', PeerPort => $opt{port},
                                PeerAddr => $opt{host} // '127.0.0.1');
    $self->{fh} or die "connect to Redis: $!\n";
    $self->{select} = IO::Select->new($self->{fh});

    return $self;
}


sub command {
    my ($self, @args) = @_;
    my ($reply) = $self->pipeline(\@args);

    die $$reply . "\n" if ref $reply eq 'SCALAR';
    return $reply;
}


# The replies to several commands in one write; an error is a reference.

sub pipeline {
    my ($self, @commands) = @_;
    my $bytes = join '', map {
        join '', '*' . @$_ . "\r\n",
                 map { '$' . length($_) . "\r\n$_\r\n" } map { "$_" } @$_
    } @commands;
    local $SIG{PIPE} = 'IGNORE';

    while (length $bytes) {
        my $n = syswrite($self->{fh}, $bytes) // die "write to Redis: $!\n";
        substr $bytes, 0, $n, '';
    }

    return map { $self->reply() } @commands;
}


sub reply {
    my ($self) = @_;

    $self->fill() until $self->{in} =~ s/^([^\r\n]*)\r\n//;
    my ($type, $text) = $1 =~ /^(.)(.*)$/ or die "no RESP\n";

    return $text if $type eq '+' || $type eq ':';
    return \$text if $type eq '-';
    return undef if $text == -1;
    return [map { $self->reply() } 1 .. $text] if $type eq '*';
    die "unknown RESP type $type\n" if $type ne '$';

    $self->fill() while length $self->{in} < $text + 2;

    my $value = substr $self->{in}, 0, $text, '';
    substr $self->{in}, 0, 2, '';

    return $value;
}


sub fill {
    my ($self) = @_;

    $self->{select}->can_read($self->{timeout})
        or die "Redis does not answer\n";

    sysread $self->{fh}, $self->{in}, 65536, length $self->{in}
        or die "Redis has closed the connection\n";
}


1;
