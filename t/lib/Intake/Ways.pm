package Intake::Ways;

# Copyright (C) nginx-intake contributors

# The ways in which a request can be sent, for tests that try them all:
#
#     my %ways = ways($t);
#     $ways{$_}->('POST', '/hook', 'body', [NAME => VALUE]) for sort keys %ways;
#
# The server must listen on %%PORT_0%%, and with http2 on %%PORT_1%%.  Without
# an HTTP/2 client that way is left out.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT = qw(ways);


sub ways {
    my ($t) = @_;
    my %ways = (
        length => sub {
            my ($method, $uri, $body, $headers) = @_;
            return $t->request($method, $uri, headers => $headers,
                               body => $body);
        },
        chunked => sub {
            my ($method, $uri, $body, $headers) = @_;
            return $t->request($method, $uri, headers => $headers,
                               body => $body,
                               chunked => defined $body ? 700 : undef);
        },
        'HTTP/2' => sub {
            my ($method, $uri, $body, $headers) = @_;
            my @headers = @{$headers || []};

            $headers[$_ * 2] = lc $headers[$_ * 2] for 0 .. @headers / 2 - 1;
            return $t->request_h2($method, $uri, port => 1, body => $body,
                                  headers => \@headers);
        },
    );

    eval { require Protocol::HTTP2::Client } or delete $ways{'HTTP/2'};

    return %ways;
}


1;
