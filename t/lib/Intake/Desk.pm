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
# Who is not "customer" is the desk.

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP;

use Intake::Sign;

our @EXPORT = qw(desk_message);


sub desk_message {
    my ($t, $uri, $message, @headers) = @_;
    my $body = JSON::PP->new->utf8->canonical->encode($message);

    return $t->post($uri, $body, [
        'X-Signature' => hmac('sha256', 'hex', 's3cret', $body), @headers]);
}


1;
