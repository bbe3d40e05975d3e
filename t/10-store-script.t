#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The store script against a model: random deliveries, resends, retries and
# copies, alone and in batches, under every policy.  The model knows deliveries
# as objects, not by what the script writes into keys.  INTAKE_SEED repeats a
# run, INTAKE_CALLS sets its length.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp;
use List::Util qw(min);
use Test::More;
use Time::Local qw(timegm);

use Intake::Process qw(wait_for);
use Intake::RedisServer;
use Intake::Store qw(store_script store_args store_keys entry_fields
                     dedupe_key);


my $seed = $ENV{INTAKE_SEED} // int rand 2 ** 31;
my $calls = $ENV{INTAKE_CALLS} // 3000;

srand $seed;
note "INTAKE_SEED=$seed";

my $dir = File::Temp->newdir();
my $server = Intake::RedisServer->new(dir => "$dir")->start();
my $redis = $server->client();
my $sha = $redis->command('SCRIPT', 'LOAD', store_script());

my $clock = 1763765640000000;    # of recordedtime, in microseconds
my $serial = 0;
my ($made, $failure) = (0, undef);
my (%seen, %happened);

# Real time passes through the short windows while the test runs, and the time
# of the arrivals, which is another.

my @sources = map { source(@$_) }
    ['drop', 3600000], ['mark', 3600000], ['drop', 60], ['mark', 60];


sub source {
    my ($policy, $window) = @_;

    return {
        call => { stream => "intake:{$policy-$window}",
                  on_duplicate => $policy, window => $window,
                  ttl => 3600000, own_ttl => 600000, nonce_ttl => 1800000,
                  source => "/$policy-$window" },
        holder => {},     # key => { delivery, entry }
        corrupt => {},    # key => 1, somebody else has written it
        last => {},       # key => { entry, delivery, gone }
        events => [],     # deliveries made, to be repeated
        unsent => [],
        stream => [],     # [entry, [fields]]
    };
}


sub one_of { $_[rand @_] }
sub chance { rand 100 < $_[0] }


sub bytes {
    my ($length) = @_;
    return join '', map { chr int rand 256 } 1 .. $length;
}


sub own_id { sprintf '0190a0f0-%04x-7000-8000-%012x', rand 65536, ++$serial }


# A delivery of an event.

sub delivery {
    my ($way, $id, $body) = @_;
    my %way = (signed => 's', unsigned => 'u', body => 'h', form => 'f',
               sending => 'f', none => 'o');

    $way = 'none' if $way eq 'body' && $body eq '';

    my $own = own_id();
    my $named = $way eq 'signed' || $way eq 'unsigned';
    my $value = $named ? $id : $way eq 'none' ? $own : $body;
    my $key = dedupe_key($way{$way}, $value);

    $clock += 1 + int rand 5000;

    my %fields = map { ($_ => one_of(undef, '', bytes(1 + rand 60))) }
        qw(datacontenttype subject intakekeyid intakeip intakeheaders
           intakespam intakefiles);

    $made++;

    return {
        %fields,
        way => $way,
        event => $id,
        kind => $way eq 'none' ? 'o' : $way eq 'sending' ? 'n'
                : $way eq 'unsigned' && $body ne '' ? 'u' : 'k',
        keys => [$key, $way eq 'sending' ? dedupe_key('n', $id)
                       : $way eq 'unsigned' && $body ne ''
                         ? dedupe_key('h', $body) : ()],
        own => dedupe_key('o', $own),
        id => $named ? $id : $own,
        type => one_of('com.example.event', bytes(10)),
        time => '2026-01-01T00:00:00Z',
        recordedtime => recordedtime($clock),
        intakekey => "$way{$way}:$value",
        intakeverify => 'ok',
        data => $body,
    };
}


sub recordedtime {
    my ($us) = @_;
    my @t = gmtime int $us / 1000000;

    return sprintf '%04d-%02d-%02dT%02d:%02d:%02d.%06dZ', $t[5] + 1900,
                   $t[4] + 1, @t[3, 2, 1, 0], $us % 1000000;
}


sub new_body {
    return '' if chance(10);
    return bytes(1 + rand 40) if chance(85);
    return bytes(1 + rand 5000) if chance(90);
    return "\0\r\n" . bytes(500) x 200;
}


# ids may hold what separates the words of a value

sub new_id {
    my $id = 'evt ' . ++$serial;
    return chance(5) ? "$id \n\0\xff 1-2 " : $id;
}


# What comes in next: a new event, one of the deliveries of the past once more,
# or another delivery that has something in common with one.

sub incoming {
    my ($source) = @_;
    my $events = $source->{events};
    my $past = @$events && chance(70)
               ? $events->[chance(70) ? -1 - rand(@$events > 30 ? 30
                                                                : @$events)
                                      : rand @$events] : undef;

    if (!$past) {
        my $way = one_of(qw(signed unsigned unsigned body form sending
                             none));
        return remembered($source, delivery($way, new_id(), new_body()));
    }

    return $past if chance(35);
    return remembered($source, shift @{$source->{unsent}})
        if @{$source->{unsent}} && chance(20);

    my ($way, $id, $body) = @$past{qw(way event data)};

    my $retry = delivery($way, $id, $body);

    # two in one microsecond, where the id tells them apart

    $retry->{recordedtime} = $past->{recordedtime}
        if $retry->{id} ne $past->{id} && chance(20);

    return remembered($source, $retry) if chance(50);
    return remembered($source, delivery($way, new_id(), $body))
        if chance(50);
    return remembered($source, delivery($way, $id, new_body())) if chance(70);
    return remembered($source, delivery(one_of(qw(signed unsigned body form
                                                  sending)),
                                        $id, $body));
}


sub remembered {
    my ($source, $d) = @_;

    push @{$source->{events}}, $d;
    return $d;
}


sub ms { $_[0] =~ /^(\d+)-/ ? $1 : die "no entry: $_[0]\n" }


# The ms from one arrival to another, if that came later.

sub between {
    my ($one, $other) = map {
        my ($y, $m, $d, $hour, $min, $s, $ms) = $_->{recordedtime} =~ /\d+/g;
        timegm($s, $min, $hour, $d, $m - 1, $y) * 1000 + int $ms / 1000;
    } @_;

    return $other > $one ? $other - $one : 0;
}


# What the model says of a delivery at a time: the answer, or the status under
# which it is stored and the entry that it repeats.

sub verdict {
    my ($source, $call, $d, $now) = @_;
    my $holder = $source->{holder};
    my @keys = store_keys($call, $d);
    my $own = $call->{on_duplicate} eq 'mark' && $d->{kind} ne 'o'
              ? pop @keys : undef;
    my ($event, $body) = @$holder{@keys};

    my $mine = sub { $_[0] && $_[0]{delivery} == $d };
    my $age = sub {
        my ($held) = @_;
        return min($now - ms($held->{entry}),
                   $call->{replayed} ? between($held->{delivery}, $d) : ());
    };
    my $young = sub { $_[0] && $age->($_[0]) < $call->{window} };

    return { answer => [2, $holder->{$own}{entry}] }
        if defined $own && $mine->($holder->{$own});
    return { answer => $event->{entry} } if $mine->($event);
    return { answer => $event && $d->{kind} eq 'u' ? [3, $body->{entry}]
                                                   : $body->{entry} }
        if $mine->($body);

    my $first = $d->{kind} eq 'o' ? undef
                : $d->{kind} eq 'u' || $d->{kind} eq 'n' && $body ? $body
                : $event;

    if ($young->($first) || $d->{kind} eq 'n' && $body) {
        return { answer => [1, $first->{entry}, $first->{delivery}{id}] }
            if $call->{on_duplicate} eq 'drop';
        return { status => 2, first => $first->{entry}, write => [$own] };
    }

    return { status => 3, first => $event->{entry}, write => [$keys[1]] }
        if $d->{kind} eq 'u' && $young->($event);

    return { status => 0, write => \@keys };
}


# Whether the reply is what the model says for this time.  The model then
# stands as after the call, else as before.

sub matches {
    my ($source, $call, $deliveries, $reply, $now) = @_;
    my (@stored, @known, @lost, %before);

    for my $i (0 .. $#$deliveries) {
        my $d = $deliveries->[$i];
        my $v = verdict($source, $call, $d, $now);
        my ($answer, $text) = ($v->{answer}, text_of($reply->[$i]));
        my $entry;

        if ($call->{refused} && (exists $v->{status}
                                 || $call->{durable}
                                    && $call->{refused} eq 'OOM'))
        {
            $answer = [-1, $call->{refused}];
            $text =~ s/^\{-1, (\w+) .*/{-1, $1}/;
            delete @$v{qw(status write)};

        } elsif (exists $v->{status}) {
            $entry = ref $reply->[$i] ? $reply->[$i][1] : $reply->[$i];
            $entry = 'none' if ($entry // '') !~ /^\d+-\d+\z/;
            $answer = $v->{status} ? [$v->{status}, $entry] : $entry;
        }

        if (text_of($answer) ne $text || ($entry // '') eq 'none') {
            $source->{holder}{$_} = $before{$_} for keys %before;
            $failure //= "delivery $i of kind $d->{kind}: expected "
                         . text_of($answer) . ", got $text";
            return 0;
        }

        push @stored, [$d, $entry, $v] if defined $entry;
        push @known, [$d, $text] if !defined $entry && $text !~ /^\{-1/;

        for my $key (@{$v->{write} || []}) {
            my $held = $source->{holder}{$key};

            push @lost, $held->{delivery} if $held;
            $before{$key} = $held if !exists $before{$key};
            $source->{holder}{$key} = { delivery => $d, entry => $entry };
        }
    }

    $source->{lost}{$_} = 1 for @lost;
    record($source, $call, @$_) for @stored;
    same_answer($source, @$_) for @known;
    $seen{"$call->{on_duplicate} $_->[0]{kind} $_->[2]{status}"}++
        for @stored;
    $seen{"$call->{on_duplicate} answer " . (ref $_ ? $_->[0] : 'entry')}++
        for @$reply;

    return 1;
}


sub text_of { ref $_[0] ? '{' . join(', ', @{$_[0]}) . '}' : $_[0] // 'nil' }


# Every entry, and, without the model, that none came twice inside the window.

sub record {
    my ($source, $call, $d, $entry, $v) = @_;
    my ($key) = store_keys($call, $d);
    my $last = $source->{last}{$key};

    push @{$source->{stream}}, [$entry,
                                [entry_fields($call, $d, $v->{first})]];
    delete $source->{corrupt}{$_} for @{$v->{write}};
    $source->{answer}{$d} = $v->{status} ? "{$v->{status}, $entry}" : $entry;

    $happened{'stored again'}++
        if $source->{times}{$d}++ && !$source->{lost}{$d};

    $happened{'twice inside the window'}++
        if !$v->{status} && $last && !$last->{gone}
           && min(ms($entry) - ms($last->{entry}),
                  $call->{replayed} ? between($last->{delivery}, $d) : ())
              < $call->{window};
    $source->{last}{$_} = { entry => $entry, delivery => $d }
        for @{$v->{write}};
}


# A delivery that was stored is answered as then, as long as no key of its own
# was lost; a reused id looks like a new one when the first's key is gone.

sub same_answer {
    my ($source, $d, $text) = @_;
    my $answer = $source->{answer}{$d};

    return if !defined $answer || $source->{lost}{$d};

    $happened{'resent'}++;
    $happened{'answered otherwise'}++
        if $text ne $answer && "{3, $text}" ne $answer;
}


# A time in which nothing can be stored; what is known is answered.

sub refuse {
    my ($source, $how) = @_;

    if ($how eq 'OOM') {
        $redis->command('CONFIG', 'SET', 'maxmemory', 1);

    } else {
        $redis->command('RENAME', $source->{call}{stream}, 'aside');
        $redis->command('SET', $source->{call}{stream}, 'no stream');
    }

    my $right = step($source, $how);

    $redis->command('CONFIG', 'SET', 'maxmemory', 0);
    $redis->command('RENAME', 'aside', $source->{call}{stream})
        if $how ne 'OOM';

    return $right;
}


# One call, with the server's time before and after it.

sub step {
    my ($source, $refused) = @_;
    my %call = (%{$source->{call}}, durable => chance(30) ? 1 : 0,
                replayed => chance(30) ? 1 : 0, refused => $refused);
    my $n = chance(60) ? 1 : chance(75) ? 2 + int rand 5
            : chance(95) ? 7 + int rand 14 : 64;
    my @deliveries = map { incoming($source) } 1 .. $n;
    my %keys = map { ($_ => 1) } map { store_keys(\%call, $_) } @deliveries;
    my @keys = sort keys %keys;

    $call{window} = 0 if chance(3);
    $failure = undef;

    my ($before, $reply, $after, $values, @ttls) = $redis->pipeline(
        ['TIME'], ['EVALSHA', $sha, store_args(\%call, @deliveries)],
        ['TIME'], ['MGET', @keys], map { ['PTTL', $_] } @keys);

    if (ref $reply ne 'ARRAY' || @$reply != $n) {
        $failure = 'the reply is ' . (ref $reply eq 'SCALAR' ? $$reply
                                                             : 'no array');
        return 0;
    }

    my ($from, $to) = map { $_->[0] * 1000 + int $_->[1] / 1000 }
                      $before, $after;
    my $now = $from;

    while (!matches($source, \%call, \@deliveries, $reply, $now)) {
        return 0 if $now++ >= $to;
    }

    $happened{'time mattered'}++ if $now > $from;

    return keys_are($source, \%call, \@keys, $values, \@ttls);
}


# What the keys hold is what the model has, and they live as long as asked.

sub keys_are {
    my ($source, $call, $keys, $values, $ttls) = @_;

    for my $i (0 .. $#$keys) {
        my $key = $keys->[$i];
        my $held = $source->{holder}{$key};
        my $d = $held && $held->{delivery};
        my $value = $d && "$held->{entry} $d->{recordedtime} $d->{id}";

        next if !$held && $source->{corrupt}{$key};

        $failure = "$key is " . ($values->[$i] // 'absent') . ', not '
                   . ($value // 'absent');
        return 0 if ($value // '') ne ($values->[$i] // '');

        my $ttl = $key =~ /:o:/ ? $call->{own_ttl}
                  : $key =~ /:n:/ ? $call->{nonce_ttl} : $call->{ttl};

        $failure = "$key lives $ttls->[$i] ms";
        return 0 if $d && ($ttls->[$i] > $ttl || $ttls->[$i] < $ttl - 300000);
    }

    return 1;
}


# A key expires or is deleted, or somebody writes it.

sub disturb {
    my ($source) = @_;
    my @held = grep { $source->{holder}{$_} } keys %{$source->{holder}};
    my $key = one_of(sort @held) // return;
    my $held = delete $source->{holder}{$key};

    $source->{lost}{$held->{delivery}} = 1;
    $source->{last}{$key}{gone} = 1 if $source->{last}{$key};

    if (chance(40)) {
        $redis->command('DEL', $key);

    } elsif (chance(50)) {
        $redis->command('PEXPIRE', $key, 1);
        wait_for { !$redis->command('EXISTS', $key) } or die 'no expiry';

    } else {
        $redis->command('DEL', $key);
        $redis->command(@$_) for one_of(
            ['LPUSH', $key, 'a'], ['SET', $key, ''], ['SET', $key, "\0"],
            ['SET', $key, "$held->{entry}"],
            ['SET', $key, "$held->{entry} $held->{delivery}{recordedtime}"],
            ['SET', $key, " $held->{entry} 2026 a"], ['SET', $key, '1 2 3']);
        $source->{corrupt}{$key} = 1;
    }
}


my $done = 0;

for (1 .. $calls) {
    my $source = one_of(@sources);

    if (chance(10)) {
        disturb($source);
    }

    if (chance(5)) {
        my $d = delivery(one_of(qw(signed unsigned form none)), new_id(),
                         new_body());
        push @{$source->{unsent}}, $d, $d;
    }

    my $refused = chance(4) && @{$source->{stream}}
                  ? one_of(qw(OOM WRONGTYPE)) : undef;

    last if !($refused ? refuse($source, $refused) : step($source));
    $done++;
}

is($done, $calls, "$calls calls answered as the model says, seed $seed")
    or diag "call $done: $failure";

for my $source (@sources) {
    my $stream = $source->{call}{stream};
    my $entries = $redis->command('XRANGE', $stream, '-', '+');
    my @want = map { [$_->[0], map { unpack 'H*', $_ } @{$_->[1]}] }
               @{$source->{stream}};
    my @have = map { [$_->[0], map { unpack 'H*', $_ } @{$_->[1]}] }
               @$entries;

    is(scalar @have, scalar @want, "$stream: as many entries as stored")
        or next;

    my ($wrong) = grep { "@{$have[$_]}" ne "@{$want[$_]}" } 0 .. $#want;

    ok(!defined $wrong, "$stream: each byte for byte, in order")
        or is_deeply($have[$wrong], $want[$wrong]);
}

is($happened{'stored again'}, undef, 'nothing stored again that was known');
is($happened{'answered otherwise'}, undef, 'a resend is answered as at first');
cmp_ok($happened{'resent'} // 0, '>', $calls / 4, 'many were resent');
is($happened{'twice inside the window'}, undef,
   'nothing stored twice inside the window');

# the run had it all

cmp_ok($seen{"$_ answer -1"} // 0, '>=', $calls / 200, "$_: refused")
    for qw(drop mark);

for my $case ('drop k 0', 'drop u 0', 'drop o 0', 'drop u 3', 'mark k 0',
              'mark u 0', 'mark o 0', 'mark k 2', 'mark u 2', 'mark u 3',
              'drop n 0', 'mark n 0', 'mark n 2',
              'drop answer 1', 'drop answer 3', 'mark answer 2')
{
    cmp_ok($seen{$case} // 0, '>=', $calls / 200, "$case: often enough");
}

note join ', ', "$made deliveries", map { "$_: $seen{$_}" } sort keys %seen;
note "time passed inside a call: " . ($happened{'time mattered'} // 0);

ok($server->stop(), 'redis-server has ended');

done_testing();
