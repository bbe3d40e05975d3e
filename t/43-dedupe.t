#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# What is a duplicate and what is not, and what becomes of it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::Exposition;
use Intake::Sign;
use Intake::Store qw(dedupe_key);
use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis();

# every source NAME has a platform and a dedupe of its own

my %sources = (
    signed => ['covered', 'window=1h'],
    unsigned => ['loose', 'window=1h'],
    body => ['covered', 'window=1h key=body'],
    none => ['covered', 'window=1h key=none'],
    list => ['listed', 'window=1h'],
    short => ['covered', 'window=700ms'],
    'mark-signed' => ['covered', 'window=1h on_duplicate=mark'],
    'mark-unsigned' => ['loose', 'window=1h on_duplicate=mark'],
    'mark-body' => ['covered', 'window=1h key=body on_duplicate=mark'],
);

my $sources = join '', map { <<"EOC" } sort keys %sources;
    intake_source $_ {
        platform  $sources{$_}[0];
        secret    s3cret;
        dedupe    $sources{$_}[1];
    }
EOC

my $locations = join '',
    map { "        location = /$_ { intake $_; }\n" } sort keys %sources;

$t->write_file_expand('nginx.conf',
    <<'EOC' =~ s/SOURCES/$sources/r =~ s/LOCATIONS/$locations/r);

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server %%REDIS%%;
    }

    intake_platform covered {
        algorithm  hmac-sha256;
        signature  header:X-Signature;
        signed     "${header:X-Key}.$body";
        id         header:X-Key;
    }

    intake_platform loose {
        algorithm  hmac-sha256;
        signature  header:X-Signature;
        signed     "$body";
        id         header:X-Key unsigned;
    }

    intake_platform listed {
        algorithm  hmac-sha256;
        signature  header:X-Signature;
        signed     "$body";
        id         json:events.*.id;
    }

SOURCES
    server {
        listen  127.0.0.1:%%PORT_0%%;

LOCATIONS
        location = /status { intake_status; }
    }
}
EOC

$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');


sub request_of {
    my ($source, $id, $body) = @_;
    my $signed = $sources{$source}[0] eq 'covered'
        ? (defined $id ? $id : '') . ".$body" : $body;

    return (body => $body, headers => [
        'X-Signature' => hmac('sha256', 'hex', 's3cret', $signed),
        defined $id ? ('X-Key' => $id) : ()]);
}


# the answer, with `fields` of its entry

sub deliver {
    my ($source, $id, $body) = @_;
    my $res = $t->request('POST', "/$source",
                          request_of($source, $id, $body));
    my $answer = $res->json;

    return { %$answer, status => $res->status,
             fields => entry($source, $answer->{entry}) };
}


sub entry {
    my ($source, $id) = @_;
    my ($row) = @{$redis->command('XRANGE', "intake:{$source}",
                                  $id // '-', $id // '+')};
    return { @{$row->[1]} };
}


sub count { $redis->command('XLEN', "intake:{$_[0]}") }


sub is_new {
    my ($answer, $name) = @_;

    ok($answer->{ok} && !$answer->{duplicate}, "$name: stored");
    is($answer->{fields}{intakedup}, undef, "$name: no copy");
    return $answer;
}


# a duplicate that is not stored; $first is the answer that it repeats

sub is_dropped {
    my ($answer, $first, $name) = @_;

    ok($answer->{ok} && $answer->{duplicate}, "$name: duplicate");
    is_deeply([@$answer{qw(id entry)}], [@$first{qw(id entry)}],
              "$name: id and entry of the first");
}


sub is_marked {
    my ($answer, $first, $name) = @_;

    ok($answer->{ok} && $answer->{duplicate}, "$name: duplicate");
    isnt($answer->{entry}, $first->{entry}, "$name: stored");
    is($answer->{fields}{intakedup}, $first->{entry}, "$name: and marked");
}


sub key { "intake:{$_[0]}:dedupe:" . dedupe_key(@_[1, 2]) }


# the time of Redis is this many ms after that of the entry

sub wait_after {
    my ($entry, $after) = @_;
    my ($ms) = $entry =~ /^(\d+)/;

    return $t->wait_for(sub {
        my ($s, $us) = @{$redis->command('TIME')};
        return $s * 1000 + int($us / 1000) >= $ms + $after;
    });
}


subtest 'signed ids' => sub {
    my $first = is_new(deliver('signed', 'a', 'one'), 'first');

    is($first->{id}, 'a', 'its id');
    is_dropped(deliver('signed', 'a', 'one'), $first, 'a copy');
    is_dropped(deliver('signed', 'a', 'two'), $first, 'another body');
    is_new(deliver('signed', 'b', 'one'), 'another id');
    is_new(deliver('signed', 'A', 'one'), 'of another case');

    my $ttl = $redis->command('PTTL', key('signed', 's', 'a'));
    cmp_ok($ttl, '<=', 3_600_000, 'the key lives for the window');
    cmp_ok($ttl, '>', 3_500_000, 'and no less');
    is($redis->command('GET', key('signed', 's', 'a')),
       "$first->{entry} $first->{fields}{recordedtime} a", 'its value');

    my $long = 'x' x 600;
    $first = is_new(deliver('signed', $long, 'one'), 'a long id');
    is_dropped(deliver('signed', $long, 'one'), $first, 'its copy');
    is_new(deliver('signed', $long . 'y', 'one'), 'a longer one');
    is(count('signed'), 5, 'entries');
};


subtest 'unsigned ids' => sub {
    my $first = is_new(deliver('unsigned', 'a', 'one'), 'first');

    is_dropped(deliver('unsigned', 'a', 'one'), $first, 'a copy');
    is_dropped(deliver('unsigned', 'b', 'one'), $first, 'another id');

    my $reused = deliver('unsigned', 'a', 'two');
    ok(!$reused->{duplicate}, 'another body: no duplicate');
    is($reused->{fields}{intakedup}, $first->{entry}, 'but marked');
    is($reused->{fields}{data}, 'two', 'and stored');

    is_dropped(deliver('unsigned', 'a', 'two'), $reused, 'a copy of it');
    is_dropped(deliver('unsigned', 'a', 'one'), $first, 'of the first');

    $first = is_new(deliver('unsigned', 'e', ''), 'an empty body');
    is_dropped(deliver('unsigned', 'e', ''), $first, 'a copy');
    is_new(deliver('unsigned', 'f', ''), 'an empty body is no key');
    is(count('unsigned'), 4, 'entries');

    my $m = Intake::Exposition->parse(
        $t->get('/status?format=prometheus')->body);
    is($m->value('intake_anomalies_total', source => 'unsigned',
                 reason => 'id_reused'), 1, 'counted');
};


subtest 'bodies' => sub {
    my $first = is_new(deliver('body', 'a', 'one'), 'first');

    is_dropped(deliver('body', 'a', 'one'), $first, 'a copy');
    is_dropped(deliver('body', 'b', 'one'), $first, 'another id');
    is_new(deliver('body', 'a', 'two'), 'another body');
    is(is_new(deliver('body', 'c', ''), 'an empty body')->{id}, 'c', 'its id');
    is_new(deliver('body', 'c', ''), 'is no key');
    is(count('body'), 4, 'entries');
};


subtest 'no key' => sub {
    my $first = is_new(deliver('none', 'a', 'one'), 'first');
    my $ttl = $redis->command('PTTL', (grep { /:dedupe:o:/ }
        @{$redis->command('KEYS', 'intake:{none}:*')})[0]);

    cmp_ok($ttl, '<=', 600_000, 'our own key lives for ten minutes');
    cmp_ok($ttl, '>', 500_000, 'and no less');
    like($first->{fields}{intakekey}, qr/^o:[\w-]{22}$/, 'intakekey');
    is(is_new(deliver('none', 'a', 'one'), 'a copy')->{id}, 'a', 'its id');
    is(count('none'), 2, 'entries');
};


subtest 'several ids' => sub {
    my $body = sub { '{"events":[' . join(',', map { qq({"id":"$_"}) } @_)
                     . ']}' };
    my $one = is_new(deliver('list', undef, $body->('1')), 'one');
    my $first = is_new(deliver('list', undef, $body->('1', '2')), 'two');

    is($first->{id}, '1', 'the first is the id');
    is($one->{fields}{intakekey}, 's:1', 'a single id is the key');
    like($first->{fields}{intakekey}, qr/^s:[\w-]{22}$/,
         'else their digest');
    is_dropped(deliver('list', undef, $body->('1', '2') . ' '), $first,
               'the same ids');
    is_new(deliver('list', undef, $body->('2', '1')), 'another order');
    is_new(deliver('list', undef, $body->('1', '2', '3')), 'more');
    is_new(deliver('list', undef, $body->('12')), 'no joining');

    $first = is_new(deliver('list', undef, '{"events":[]}'), 'none');
    is_dropped(deliver('list', undef, '{"events":[]}'), $first,
               'without ids the body');
    is(count('list'), 6, 'entries');
};


subtest 'the window' => sub {
    my $first = is_new(deliver('short', 'a', 'one'), 'first');

    is_dropped(deliver('short', 'a', 'one'), $first, 'within');
    ok(wait_after($first->{entry}, 701), 'time passes');

    my $second = is_new(deliver('short', 'a', 'one'), 'after');

    # the entry's age decides, not that the key is there
    $redis->command('PERSIST', key('short', 's', 'a'));
    is_dropped(deliver('short', 'a', 'one'), $second, 'within');
    ok(wait_after($second->{entry}, 701), 'time passes');
    is_new(deliver('short', 'a', 'one'), 'after, with its key');
    cmp_ok($redis->command('PTTL', key('short', 's', 'a')), '>', 0,
           'which ends again');

    $redis->command('SET', key('short', 's', 'b'), 'nonsense');
    is_new(deliver('short', 'b', 'one'), 'a value that is none');
};


subtest 'marked' => sub {
    my $first = is_new(deliver('mark-signed', 'a', 'one'), 'first');

    is_marked(deliver('mark-signed', 'a', 'one'), $first, 'a copy');
    is_marked(deliver('mark-signed', 'a', 'one'), $first, 'one more');
    is(count('mark-signed'), 3, 'signed: entries');

    my ($row) = @{$redis->command('XREVRANGE', 'intake:{mark-signed}', '+',
                                  '-', 'COUNT', 1)};
    is(join(' ', @{$row->[1]}[grep { !($_ % 2) } 12 .. 19]),
       'intakeversion intakekey intakedup intakeverify', 'its place');

    $first = is_new(deliver('mark-unsigned', 'a', 'one'), 'first');
    is_marked(deliver('mark-unsigned', 'a', 'one'), $first, 'a copy');
    is_marked(deliver('mark-unsigned', 'b', 'one'), $first, 'another id');

    my $reused = deliver('mark-unsigned', 'a', 'two');
    ok(!$reused->{duplicate}, 'another body: no duplicate');
    is($reused->{fields}{intakedup}, $first->{entry}, 'but marked');
    is_marked(deliver('mark-unsigned', 'a', 'two'), $reused, 'a copy of it');
    is(count('mark-unsigned'), 5, 'unsigned: entries');

    $first = is_new(deliver('mark-body', 'a', 'one'), 'first');
    is_marked(deliver('mark-body', 'b', 'one'), $first, 'a copy');
    is_new(deliver('mark-body', 'a', 'two'), 'another body');
    is(count('mark-body'), 3, 'bodies: entries');
};


my $m = Intake::Exposition->parse($t->get('/status?format=prometheus')->body);

is_deeply([map { $m->value('intake_requests_total', source => 'unsigned',
                           outcome => $_) } qw(stored duplicate rejected)],
          [4, 5, 0], 'counted');

$t->finish();
