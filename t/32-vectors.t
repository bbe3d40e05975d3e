#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Recorded requests of many senders against the presets, each at its own time.
# INTAKE_VECTORS names the folder that holds webhooks/vectors.json: a list of
# { platform, note, method, url, headers, body | body_base64, now, secrets |
# public_key, conf, expect: accept | reject | challenge, expect_status,
# expect_body, expect_id, expect_type }.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Encode qw(encode_utf8);
use JSON::PP;
use MIME::Base64 qw(decode_base64);
use Test::More;

use Intake::File;
use Intake::Test;


my $file = ($ENV{INTAKE_VECTORS} // '') . '/webhooks/vectors.json';

plan(skip_all => 'INTAKE_VECTORS is not set') unless $ENV{INTAKE_VECTORS};
plan(skip_all => "there is no $file") unless -e $file;
plan(skip_all => 'libfaketime and the sanitizers do not go together')
    if Intake::Test->new()->has('-fsanitize');

my @vectors = @{JSON::PP->new->utf8->decode(Intake::File::slurp($file))};
my $presets = Intake::File::slurp(
    Intake::Test->root() . '/conf/intake/platforms.conf');
my %presets;

while ($presets =~ /^intake_platform\s+(\S+)\s+\{\n(.*?)^\}/msg) {
    $presets{$1} = $2;
}


# Senders with several ways to sign have a preset for each.

sub preset {
    my ($vector) = @_;
    my $name = $vector->{platform};
    my $scheme = $vector->{scheme} || {};
    my $algorithm = $scheme->{alg} // '';

    return 'meta' if $name =~ /^(messenger|instagram|whatsapp)$/;
    return 'front-rule' if $name eq 'front' && $algorithm eq 'hmac-sha1';
    return 'gitlab-signed' if $name eq 'gitlab' && $algorithm ne 'equal';
    return 'vonage-sms' if $name eq 'vonage' && $algorithm !~ /^jwt/;
    return $name unless $name eq 'hubspot' && $algorithm eq 'sha256';
    return ($scheme->{msg} // '') =~ /url/ ? 'hubspot-v2' : 'hubspot-v1';
}


sub quote {
    my ($text) = @_;
    return '"' . encode_utf8($text) =~ s/(["\\])/\\$1/gr . '"';
}


# The blocks of one vector.

sub blocks {
    my ($t, $n, $vector) = @_;
    my $platform = preset($vector);
    my ($base, $path) = $vector->{url} =~ m{^(https?://[^/?]+)([^?]*)};
    my %conf = %{$vector->{conf} || {}};
    my @secrets = @{$vector->{secrets} || []};
    my $blocks = '';

    push @secrets, $vector->{public_key} if defined $vector->{public_key};

    # a GET that is a delivery needs to be allowed

    if ($vector->{method} eq 'GET' && $vector->{expect} eq 'accept') {
        my $rules = $presets{$platform} =~ s/^\s*methods\s[^;]*;//mr;

        $platform .= "-$n";
        $blocks .= "intake_platform $platform {\n${rules}"
                   . "    methods POST GET;\n}\n";
    }

    $blocks .= "intake_source v$n {\n    platform $platform;\n"
               . "    url_base $base;\n";

    for my $i (0 .. $#secrets) {
        $t->write_file("secret-$n-$i", encode_utf8($secrets[$i]), 0600);
        $blocks .= "    secret file:secret-$n-$i;\n";
    }

    # the value that a handshake must bring: a token, or the topic

    my $token = $conf{verify_token} // $conf{topic};

    # of a token the vector says what must stand in it

    my %claims = %{($vector->{scheme} || {})->{claims} || {}};

    $conf{$_} //= $claims{$_}
        for grep { ($presets{preset($vector)} // '') =~ /\{conf:\Q$_\E\}/ }
            keys %claims;

    $blocks .= '    verify_token ' . quote($token) . ";\n" if defined $token;
    $blocks .= "    set $_ " . quote($conf{$_}) . ";\n"
        for grep { /^[a-z][a-z0-9_-]*$/ } sort keys %conf;

    $path = '/' if $path eq '';

    return ("$blocks}\n", <<"EOC");
    server {
        listen       127.0.0.1:%%PORT_0%%;
        server_name  v$n.test;

        location = $path { intake v$n; }
    }
EOC
}


sub when {
    my ($vector) = @_;

    return '+0' unless defined $vector->{now};

    my ($s, $m, $h, $day, $month, $year) = gmtime $vector->{now};
    return sprintf '%04d-%02d-%02d %02d:%02d:%02d', $year + 1900, $month + 1,
                   $day, $h, $m, $s;
}


sub run_vector {
    my ($t, $n, $vector) = @_;
    my ($uri) = $vector->{url} =~ m{^https?://[^/?]+(.*)$};
    my $name = encode_utf8("$n $vector->{platform}: $vector->{note}");
    my $body = defined $vector->{body_base64}
        ? decode_base64($vector->{body_base64})
        : encode_utf8($vector->{body} // '');

    $t->set_time(when($vector));

    my $res = $t->request($vector->{method}, $uri =~ m{^/} ? $uri : "/$uri",
        host => "v$n.test", headers => $vector->{headers},
        $vector->{method} eq 'POST' || length $body ? (body => $body) : ());

    return fail("$name: no answer") unless $res;

    my $status = $res->status;

    if ($vector->{expect} eq 'reject') {
        ok($status =~ /^40[013]$/ && $res->json->{code}, $name)
            or diag("$status ", $res->body);
        is(() = $t->redis()->entries("intake:{v$n}"), 0, "$n: not stored");
        return;
    }

    if ($vector->{expect} eq 'challenge') {
        is("$status " . $res->body, "$vector->{expect_status} "
           . encode_utf8($vector->{expect_body} // ''), $name);
        return;
    }

    like($status, qr/^20[0-9]$/, $name) or diag($res->body);

    my ($entry) = $t->redis()->entries("intake:{v$n}");

    is($entry->{fields}{data}, $body, "$n: the body as it is");

    for my $what (qw(id type)) {
        my $expected = $vector->{"expect_$what"} // next;
        like($entry->{fields}{$what}, qr/\Q$expected\E/, "$n: $what");
    }
}


# A configuration has at most 64 sources.

my @all = grep { $presets{preset($vectors[$_])} } 0 .. $#vectors;

plan(skip_all => 'there is no preset for them') unless @all;
diag(scalar(@all) . ' of ' . @vectors . ' have a preset');

while (my @some = splice @all, 0, 50) {
    my $t = Intake::Test->new();
    my ($sources, $servers) = ('', '');

    $t->redis();

    for my $n (@some) {
        my ($source, $server) = blocks($t, $n, $vectors[$n]);

        $sources .= $source;
        $servers .= $server;
    }

    $t->write_file_expand('nginx.conf', <<"EOC");
%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    include %%PLATFORMS%%;

    server_names_hash_bucket_size 64;

    intake_redis {
        server          %%REDIS%%;
        max_clock_skew  off;
    }

$sources
$servers
}
EOC

    subtest "vectors $some[0] to $some[-1]" => sub {
        $t->run(faketime => '+0');
        run_vector($t, $_, $vectors[$_]) for @some;
        $t->shut_down();
        Intake::Test::Checks::report($t);
    };
}


done_testing();
