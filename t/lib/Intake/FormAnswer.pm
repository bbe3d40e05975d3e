package Intake::FormAnswer;

# Copyright (C) nginx-intake contributors

# What every answer of a form has, whatever its status; and who may ask.
#
#     my $page = is_page($res, 422, 'The form has errors', 'validation');
#     my $json = is_problem_json($res, 422, 'VALIDATION_FAILED', 'the same');

use strict;
use warnings;

use Exporter qw(import);
use Test::More;

use Intake::Page;

our @EXPORT = qw(%clients encode has_form_headers is_page is_problem_json);


# Headers that decide who is answered with a page and who with JSON.

our %clients = (
    page => {
        navigation => ['Accept' => 'text/html,application/xhtml+xml,'
                                   . 'application/xml;q=0.9,*/*;q=0.8',
                       'Sec-Fetch-Mode' => 'navigate'],
        'an old browser' => ['Accept' => 'text/html, */*;q=0.8'],
    },
    json => {
        'fetch' => ['Accept' => '*/*', 'Sec-Fetch-Mode' => 'cors'],
        'fetch for JSON' => ['Accept' => 'application/json',
                             'Sec-Fetch-Mode' => 'cors'],
        'curl' => ['Accept' => '*/*'],
        'nobody' => [],
        'XHR' => ['Accept' => 'text/html, */*; q=0.01',
                  'X-Requested-With' => 'XMLHttpRequest'],
    },
);


# NAME, VALUE, ... as a browser sends them.

sub encode {
    my @pairs = @_;
    my @parts;

    while (my ($name, $value) = splice @pairs, 0, 2) {
        push @parts, join '=', map {
            s/([^A-Za-z0-9*._-])/sprintf '%%%02X', ord $1/ger } $name, $value;
    }

    return join '&', @parts;
}


sub has_form_headers {
    my ($res, $name) = @_;
    my %expected = (
        'Vary' => 'Accept, Origin, Sec-Fetch-Mode, Sec-Fetch-Site',
        'Cache-Control' => 'no-store',
        'X-Content-Type-Options' => 'nosniff',
        'Content-Language' => $res->status =~ /^(204|303)$/ ? '' : 'en',
        'Retry-After' => $res->status =~ /^(429|503)$/ ? '30' : '',
        'Content-Security-Policy' =>
            ($res->header('Content-Type') // '') =~ /^text\/html/
                ? "default-src 'none'; style-src 'unsafe-inline'; "
                  . "base-uri 'none'; form-action 'none'" : '',
    );

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_deeply({ map { $_ => join '|', $res->headers($_) } keys %expected },
              \%expected, "$name: headers");
}


# Returns the page, or undef.

sub is_page {
    my ($res, $status, $heading, $name) = @_;
    my $page = eval { Intake::Page->parse($res->body) };
    my $error = $status >= 400;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($res->status, $status, "$name: $status");
    is($res->header('Content-Type'), 'text/html; charset=utf-8',
       "$name: type");
    has_form_headers($res, $name);
    ok($page, "$name: well-formed") or diag($@, $res->body), return;
    is_deeply($page->faults($error), [], "$name: a good page");
    is($page->title, ($error ? 'Error: ' : '') . $heading, "$name: title");
    is(($page->words('h1'))[0], $heading, "$name: heading");

    return $page;
}


# Returns the members, or undef.

sub is_problem_json {
    my ($res, $status, $code, $name) = @_;
    my $json = eval { $res->json };

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($res->status, $status, "$name: $status");
    is($res->header('Content-Type'), 'application/problem+json',
       "$name: type");
    has_form_headers($res, $name);
    ok($json, "$name: JSON") or diag($res->body), return;
    is($json->{status}, $status, "$name: status");
    is($json->{code}, $code, "$name: $code");
    is(ref $json->{errors}, 'ARRAY', "$name: errors");
    is_deeply([grep { !length($json->{$_} // '') }
                    qw(type title detail error)], [], "$name: words");
    is_deeply([grep { !length($_->{code} // '') || !length($_->{message} // '')
                      || (exists $_->{field} xor exists $_->{pointer}) }
                    @{$json->{errors}}], [], "$name: each error");

    return $json;
}


1;
