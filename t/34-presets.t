#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Every preset of conf/intake/platforms.conf, by the table of facts in
# Intake::Platforms::Table: what is right is stored once, and nothing else is;
# the handshakes are answered to the letter.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::File;
use Intake::Platforms;
use Intake::Test;


my $file = Intake::Test->root() . '/conf/intake/platforms.conf';
my @presets = Intake::File::slurp($file) =~ /^intake_platform (\S+) \{/mg;

is_deeply([Intake::Platforms->names()], [sort @presets],
          'the presets of the file, and no others, are in the table');


my ($t, $platforms, $redis);

sub start {
    my (@names) = @_;

    $t = Intake::Test->new();
    $platforms = Intake::Platforms->new($t);
    $redis = $t->redis();

    $platforms->write_conf(\@names);
    $t->run();
}


sub entries { $redis->entries("intake:{$_[0]}") }


sub deliver {
    my ($r) = @_;

    return $t->request($r->{method}, $r->{uri}, headers => $r->{headers},
        defined $r->{body} ? (body => $r->{body}) : ());
}


sub told {
    my ($res) = @_;

    return join ' ', $res->status, $res->header('content-type') // '',
                     $res->body;
}


sub refused {
    my ($name, $code, $r) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $res = deliver($r);
    my $status = $code eq 'CHALLENGE_REFUSED' ? 403
               : $code eq 'METHOD_NOT_ALLOWED' ? 405 : 401;

    is($res->status . ' ' . ($res->body =~ /"code":"(\w+)"/ ? $1 : ''),
       "$status $code", $name);
}


sub accepted {
    my ($name, $row) = @_;
    my $r = $platforms->request($name);
    my $res = deliver($r);
    my $answer = $row->{answer};

    if ($answer) {
        is(told($res), join(' ', @$answer), 'accepted, in its own words');
    } else {
        is($res->status, 200, 'accepted') or diag($res->body);
        is($res->json->{duplicate} ? 1 : 0, 0, 'not a duplicate');
    }

    my ($entry) = entries($name);
    my %fields = %{$entry->{fields} || {}};

    is($fields{data}, $r->{body} // '', 'the body as it is');
    is($fields{type}, $row->{type}, 'type');
    is($fields{intakeverify}, 'ok', 'verified');

    if (ref $row->{id}) {
        like($fields{id}, $row->{id}, 'id');
    } elsif (defined $row->{id}) {
        is($fields{id}, $row->{id}, 'id');
    } else {
        like($fields{id}, qr/^[0-9a-f]{8}-[0-9a-f]{4}-7/, 'an id of our own');
    }

    # a second copy

    my $again = $row->{again} // 'drop';
    $res = deliver($r);

    is($res->json->{duplicate} ? 1 : 0, $again ne 'none' ? 1 : 0,
       'again: duplicate or not') unless $answer;

    my @entries = entries($name);

    is(@entries, $again eq 'drop' ? 1 : 2, 'again: stored or not');
    is($entries[-1]{fields}{intakedup}, $again eq 'mark' ? $entry->{entry}
                                                         : undef,
       'again: marked or not');

    return scalar @entries;
}


sub tampered {
    my ($name, $row) = @_;
    my $r = $platforms->request($name);

    if ($row->{tampered}) {
        $row->{tampered}->($r);
    } elsif (!$row->{loose}) {
        $r->{body} .= ' ';
    } else {
        $row->{loose}->($r);
    }

    refused('tampered with',
            $row->{changed} || $row->{unsigned} || 'SIGNATURE_MISMATCH', $r);
}


sub handshake {
    my ($name, $handshake) = @_;
    my @request = (method => $handshake->{method} // 'POST',
                   query => $handshake->{query}, body => $handshake->{body},
                   headers => $handshake->{headers} // []);
    my $r = $platforms->request($name, @request,
                                unsigned => !$handshake->{signed});

    return refused("handshake $handshake->{name}", $handshake->{code}, $r)
        if $handshake->{code};

    my $res = deliver($r);

    is(told($res), join(' ', @$handshake{qw(status type answer)}),
       "handshake $handshake->{name}");
    is($res->header($_), $handshake->{given}{$_},
       "handshake $handshake->{name}: $_")
        for sort keys %{$handshake->{given} || {}};

    refused("handshake $handshake->{name}, another secret",
            'SIGNATURE_MISMATCH',
            $platforms->request($name, @request, wrong => 1))
        if $handshake->{signed};
}


sub preset {
    my ($name) = @_;
    my $row = $platforms->row($name);
    my $expected = accepted($name, $row);
    my $mismatch = $row->{unsigned} || 'SIGNATURE_MISMATCH';

    tampered($name, $row);
    refused('another secret', $mismatch,
            $platforms->request($name, wrong => 1));
    refused('no signature', $row->{unsigned} || 'SIGNATURE_MISSING',
            $platforms->request($name, unsigned => 1));

    if ($row->{stale}) {
        refused("$_ s away", 'TIMESTAMP_RANGE',
                $platforms->request($name, time => time() + $_))
            for -$row->{stale}, $row->{stale};
    }

    handshake($name, $_) for @{$row->{handshakes} || []};

    is(scalar entries($name), $expected, 'nothing else is stored');
}


# A configuration has at most 64 sources.

my @names = grep { Intake::Platforms->row($_) } @presets;

while (my @some = splice @names, 0, 40) {
    start(@some);

    for my $name (@some) {
        subtest $name => sub { preset($name) };
    }

    $t->shut_down();
    Intake::Test::Checks::report($t);
}


done_testing();
