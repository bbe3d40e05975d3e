package Intake::Problem;

# Copyright (C) nginx-intake contributors

# That an answer is the problem of a code, to the byte: its status, its body,
# and the headers that the status demands and no others.
#
#     is_problem($t->get('/hook'), 'METHOD_NOT_ALLOWED', 'GET',
#                allow => 'POST');
#
# Options: status, another than the code's own; allow and realm, the values of
# Allow and WWW-Authenticate; head, no body.

use strict;
use warnings;

use Exporter qw(import);
use Test::More;

our @EXPORT = qw(is_problem);

my %problems = (
    MALFORMED => [400, 'Malformed request'],
    SIGNATURE_MISSING => [401, 'Signature missing'],
    SIGNATURE_MISMATCH => [401, 'Signature does not match'],
    TIMESTAMP_MISSING => [401, 'Timestamp missing'],
    TIMESTAMP_RANGE => [401, 'Timestamp outside the tolerance'],
    CREDENTIALS => [401, 'Wrong or missing credentials'],
    CHALLENGE_REFUSED => [403, 'Challenge refused'],
    FORBIDDEN => [403, 'Forbidden'],
    NOT_FOUND => [404, 'Not found'],
    METHOD_NOT_ALLOWED => [405, 'Method not allowed'],
    TOO_LARGE => [413, 'Body too large'],
    UNSUPPORTED_CONTENT_ENCODING => [415, 'Content-Encoding not supported'],
    RATE_LIMITED => [429, 'Too many requests'],
    STORE_UNAVAILABLE => [503, 'Store unavailable'],
    STORE_TIMEOUT => [503, 'Store did not answer in time'],
    STORE_REFUSED => [503, 'Store refused the write'],
    DURABILITY_UNAVAILABLE => [503, 'Promised durability unavailable'],
    INTERNAL_ERROR => [500, 'Internal error'],
);


sub is_problem {
    my ($res, $code, $name, %opt) = @_;
    my ($status, $title) = @{$problems{$code}};
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $status = $opt{status} // $status;

    my %expected = (
        'Content-Type' => 'application/problem+json',
        'WWW-Authenticate' => $status == 401
            ? $opt{realm} // 'Signature realm="signed"' : '',
        'Retry-After' => $status =~ /^(429|503)$/ ? '5' : '',
        'Allow' => $status == 405 ? $opt{allow} // 'POST' : '',
        'Location' => '',
    );

    is($res->status, $status, "$name: $status");
    is($res->body, $opt{head} ? ''
       : qq({"type":"about:blank","title":"$title","status":$status,)
         . qq("code":"$code"}), "$name: $code");
    is_deeply({ map { $_ => join '|', $res->headers($_) } keys %expected },
              \%expected, "$name: headers");
}


1;
