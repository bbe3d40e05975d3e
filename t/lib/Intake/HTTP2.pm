package Intake::HTTP2;

# Copyright (C) nginx-intake contributors

# One HTTP/2 request with prior knowledge, on a connection of its own.
#
#     my $res = Intake::HTTP2->request($port, 'POST', '/', body => 'x',
#                                      headers => ['x-a' => 1]);

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Protocol::HTTP2::Client;
use Time::HiRes qw(time);

use Intake::HTTP::Response;
use Intake::Test::Valgrind;


# Dies when no answer came within `timeout` seconds (15).  It leaves without one
# when `leave`, a sub, is true.

sub request {
    my ($class, $port, $method, $uri, %opt) = @_;
    my ($res, $error);

    my $client = Protocol::HTTP2::Client->new(
        on_error => sub { $error = "HTTP/2 error @_" });

    $client->request(
        ':scheme' => 'http',
        ':authority' => $opt{host} // 'localhost',
        ':path' => $uri,
        ':method' => $method,
        headers => [map { "$_" } @{$opt{headers} || []}],
        (defined $opt{body} ? (data => $opt{body}) : ()),
        on_done => sub { $res = response(@_) },
        on_error => sub { $error = "HTTP/2 stream error @_" },
    );

    my $socket = IO::Socket::INET->new(
        Proto => 'tcp', PeerAddr => '127.0.0.1', PeerPort => $port)
        or die "connect to port $port: $!";

    my $end = time() + ($opt{timeout}
              // 15 * Intake::Test::Valgrind::patience());
    local $SIG{PIPE} = 'IGNORE';

    while (!$res) {
        die $error if $error;
        die "no HTTP/2 answer" if time() > $end;
        return if $opt{leave} && $opt{leave}->();

        exchange($client, $socket);
    }

    return $res;
}


# Writes what there is to write, and reads once.

sub exchange {
    my ($client, $socket) = @_;

    while (my $frame = $client->next_frame) {
        while (length $frame) {
            my $n = syswrite($socket, $frame) // die "write: $!";
            substr($frame, 0, $n) = '';
        }
    }

    IO::Select->new($socket)->can_read(0.1) or return;

    my $n = sysread $socket, my $data, 65536;
    die "the connection was closed" unless $n;

    $client->feed($data);
}


sub response {
    my ($headers, $body) = @_;
    my @pairs = @$headers;
    my ($status, @rest);

    while (my ($name, $value) = splice @pairs, 0, 2) {
        $name eq ':status' ? $status = $value : push @rest, $name, $value;
    }

    return Intake::HTTP::Response->new(
        version => '2', status => $status, reason => '',
        body => $body // '', pairs => \@rest);
}


1;
