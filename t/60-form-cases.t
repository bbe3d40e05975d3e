#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Every case of data/forms, from a client to the stream: with a length, in
# chunks, over HTTP/2 and from a temporary file.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use File::Find qw(find);
use JSON::PP;
use MIME::Base64 qw(decode_base64);
use Test::More;

use Intake::FormCases;
use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis();

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server   %%REDIS%%;
        timeout  10s;
    }

    intake_source form {
        form;
        dedupe  window=1h key=none;
    }

    intake_source files {
        form;
        attachments  path=%%DIR%%/files;
        dedupe       window=1h key=none;
    }

    intake_source mail {
        form;
        field   mail type=email;
        dedupe  window=1h key=none;
    }

    server {
        listen  127.0.0.1:%%PORT_0%%;
        listen  127.0.0.1:%%PORT_1%%  http2;

        location = /form   { intake form; }
        location = /file   { intake form; client_body_in_file_only clean; }
        location = /files  { intake files; }
        location = /mail   { intake mail; }
        location = /status { intake_status; }
    }
}
EOC

$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');


my $n = 0;

my %ways = (
    'length' => sub {
        my ($body, $headers) = @_;
        return $t->post('/form', $body, $headers);
    },
    'chunks' => sub {
        my ($body, $headers) = @_;
        my $size = length $body > 3000 ? 4099 : 1 + 2 * ($n++ % 7);
        return $t->post('/form', $body, $headers, chunked => $size);
    },
    'HTTP/2' => sub {
        my ($body, $headers) = @_;
        my $i = 0;

        return $t->request_h2('POST', '/form', port => 1, body => $body,
                              headers => [map { $i++ % 2 ? $_ : lc }
                                          @$headers]);
    },
    'a file' => sub {
        my ($body, $headers) = @_;
        return $t->post('/file', $body, $headers);
    },
);


sub count { $redis->command('XLEN', "intake:{$_[0]}") }


# the newest entry

sub entry {
    my ($source) = @_;
    my ($row) = @{$redis->command('XREVRANGE', "intake:{$source}", '+', '-',
                                  'COUNT', 1)};
    return {@{$row->[1]}};
}


# the names of `data` in their order, and what it says

sub data { parse_data(entry($_[0])->{data}) }


# an answer against what a case asks for, and the stream against both

sub check {
    my ($res, $expected, $source, $before, $name) = @_;
    my ($status, $code, $fields) = @$expected{qw(status code fields)};
    my $json = eval { $res->json } || {};
    my $got = $res->status . ' ' . ($json->{code} // '');
    my $stored = count($source) - $before;

    if ($got ne "$status $code" || $stored != ($status == 200)) {
        is("$got, $stored stored", "$status $code", $name);

    } elsif ($status == 200) {
        is_deeply(data($source), $fields, $name);

    } else {
        pass($name);
    }
}


my @cases = form_cases();

cmp_ok(scalar @cases, '>=', 220, 'cases');

for my $way (sort keys %ways) {
    subtest $way => sub {
        for my $case (@cases) {
            my $res = $ways{$way}->($case->{body}, $case->{headers});
            my $before = count('form');

            # the answer comes when it is stored
            $before-- if $res->status == 200;
            check($res, $case->{stored}, 'form', $before, $case->{name});
        }
    };
}


# the files that lie there, by what is in them

sub kept {
    my %kept;

    find({ no_chdir => 1, wanted => sub {
        $kept{sha256_hex($t->read_file($_))} = 1 if -f;
    } }, $t->path('files'));

    return \%kept;
}


# what an entry says of its files, against a case

sub is_kept {
    my ($files, $name) = @_;
    my @got = @{decode_json(entry('files')->{intakefiles} // '[]')};
    my %paths = map { ($_ => delete $_->{path}) } @got;
    my @expected = map {
        my $content = $_->{data_base64};

        +{ field => $_->{name}, name => safe_name($_->{filename}),
           type => $_->{type}, size => $_->{size},
           defined $content
           ? (sha256 => sha256_hex(decode_base64($content))) : () };
    } @$files;

    my @odd = grep {
        -s $paths{$_} != $_->{size}
            || sha256_hex($t->read_file($paths{$_})) ne $_->{sha256}
    } @got;

    is_deeply(\@odd, [], "$name: the files are there");

    for my $n (0 .. $#expected) {
        delete $got[$n]{sha256} unless $expected[$n]{sha256};
    }

    is_deeply(\@got, \@expected, "$name: the entry tells of them");
}


subtest 'with files' => sub {
    my $with = 0;

    for my $case (@cases) {
        my $outcome = $case->{kept};
        my $res = $t->post('/files', $case->{body}, $case->{headers});
        my $stored = $res->status == 200;

        check($res, $outcome, 'files', count('files') - $stored,
              $case->{name});

        if ($stored && @{$outcome->{files}}) {
            is_kept($outcome->{files}, $case->{name});
            $with++;
        }
    }

    cmp_ok($with, '>=', 38, 'cases with files');

    my %named = map { map { ($_->{sha256} => 1) }
                      @{decode_json($_->{fields}{intakefiles} // '[]')} }
                $redis->entries('intake:{files}');

    is_deeply(kept(), \%named, 'and no others are left');
};


subtest 'what is not whole' => sub {
    my $body = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"
             . "one\r\n--b\r\nContent-Disposition: form-data; name=\"b\"\r\n"
             . "\r\ntwo --b\r\n--b--";
    my @headers = ('Content-Type' => 'multipart/form-data; boundary=b');
    my $before = count('form');
    my @odd;

    for my $length (0 .. length($body) - 1) {
        my $res = $t->post($length % 2 ? '/form' : '/file',
                           substr($body, 0, $length), \@headers);

        push @odd, "$length: " . $res->status
            if $res->status != 400 || $res->json->{code} ne 'MALFORMED';
    }

    is_deeply(\@odd, [], 'malformed, wherever it ends');
    is(count('form'), $before, 'and nothing is stored');

    is($t->post('/form', $body, \@headers)->status, 200, 'the whole of it');
    is_deeply(data('form'), [['a', ['one']], ['b', ['two --b']]], 'is stored');
};


subtest 'large values' => sub {
    my $long = 'x' x 65536;
    my %headers = (
        urlencoded => 'application/x-www-form-urlencoded',
        multipart => 'multipart/form-data; boundary=b',
        json => 'application/json',
    );
    my %encode = (
        urlencoded => sub { join '&', map { "$_->[0]=$_->[1]" } @_ },
        multipart => sub {
            join '', map({ "--b\r\nContent-Disposition: form-data; "
                           . "name=\"$_->[0]\"\r\n\r\n$_->[1]\r\n" } @_),
                '--b--';
        },
        json => sub {
            '{' . join(',', map { "\"$_->[0]\":\"$_->[1]\"" } @_) . '}';
        },
    );
    my @fields = map { ["f$_", $long] } 1 .. 3;

    for my $type (sort keys %encode) {
        my @type = ('Content-Type' => $headers{$type});
        my $body = $encode{$type}->(@fields);

        for my $way (sort keys %ways) {
            is($ways{$way}->($body, \@type)->status, 200,
               "$type, $way: 192 KB");

            # not is_deeply(): a difference would fill the screen
            ok(encode_json(data('form'))
               eq encode_json([map { [$_->[0], [$_->[1]]] } @fields]),
               "$type, $way: the same text");

            my $before = count('form');
            my $res = $ways{$way}->($encode{$type}->(['a', "x$long"]),
                                    \@type);
            is($res->status . ' ' . $res->json->{code}, '413 TOO_LARGE',
               "$type, $way: one byte more");
            is(count('form'), $before, "$type, $way: is not stored");
        }
    }
};


subtest 'addresses' => sub {
    my @type = ('Content-Type' => 'application/json');

    for my $case (email_cases()) {
        my $body = '{"mail":' . JSON::PP->new->utf8->allow_nonref
            ->encode($case->{value}) . ',"text":"x"}';
        my $res = $t->post('/mail', $body, \@type);
        my $error = $res->json->{errors}[0] || {};
        my $name = $case->{note};

        # whether it may be empty is another rule

        if ($case->{accept} || $case->{value} eq '') {
            my $value = $case->{value} =~ s/^[\t\n\f\r ]+|[\t\n\f\r ]+$//gr;

            is($res->status, 200, "$name: is one") or next;
            is_deeply(data('mail'), [['mail', [$value]], ['text', ['x']]],
                      "$name: is stored");

        } elsif (length $case->{value} > 65536) {
            is($res->status, 413, "$name: is too large");

        } else {
            my $code = $error->{code} // '';

            is($res->status . " $error->{field}", '422 mail', "$name: is none");
            like($code, $case->{html_valid} ? qr/^TOO_LONG$/
                 : qr/^(?:TYPE_EMAIL|CONTROL_CHARACTERS|TOO_LONG)$/,
                 "$name: $code");
        }
    }
};


ok(!glob($t->path('client_body/*')), 'no temporary files are left');

$t->finish();
