package Intake::Desk;

# Copyright (C) nginx-intake contributors

# Customers, and a desk that answers them: a platform for the tests of the
# response clocks.  In the configuration
#
#     include %%DESK%%;
#     intake_source mail { platform desk; secret s3cret; sla first=1h; }
#
# and then
#
#     my $res = desk_message($t, '/mail', { id => 'm1', thread => 't',
#         from => 'customer', at => '2026-11-21T20:30:00Z' }, @headers);
#
# Who is not "customer" is the desk.  What happened in conversations of any
# source can be told to /replies:
#
#     happen($t, ['mail', 't', 'message', time() - 600], ...);

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP;
use POSIX qw(strftime);
use Test::More ();

use Intake::Sign;

our @EXPORT = qw(desk_message);
our @EXPORT_OK = qw(happen stamp);

my $json = JSON::PP->new->utf8->canonical;


# A time, of seconds since 1970.

sub stamp {
    my ($time) = @_;
    return strftime '%Y-%m-%dT%H:%M:%SZ', gmtime $time;
}


sub desk_message {
    my ($t, $uri, $message, @headers) = @_;
    my $body = $json->encode($message);

    return $t->post($uri, $body, [
        'X-Signature' => hmac('sha256', 'hex', 's3cret', $body), @headers]);
}


# [SOURCE, CONVERSATION, KIND, TIME]...

sub happen {
    my ($t, @what) = @_;
    my @items = map { { source => $_->[0], conversation => $_->[1],
                        kind => $_->[2], at => stamp($_->[3]) } } @what;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    while (my @some = splice @items, 0, 500) {
        my $res = $t->post('/replies', $json->encode(\@some));
        my @refused = grep { !$_->{ok} } @{$res->json->{results}};

        Test::More::is_deeply(\@refused, [], 'told');
    }
}


1;
