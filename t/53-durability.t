#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# What a Redis does not promise is said: one line of the log that names the
# commands to change it, and the status.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;

use Intake::Deliveries;
use Intake::Exposition;
use Intake::Test;


my ($yes, $no) = (JSON::PP::true, JSON::PP::false);
my $may_lose = qr/\[warn\].* redis may lose what it has stored/;
my @save = (save => ['3600 1', '300 100', '60 10000']);
my $rights = 'resetkeys ~intake:* -@all +evalsha +eval +get +mget +set +xadd'
             . ' +xtrim +time +select +client|setname';


# [options of the Redis; more rights of the user; appendonly, evicting, in
# force; the commands that the log names, none: there is no line]

my %rows = (
    "Debian's default" => [
        { @save }, undef, [$no, $no, 0],
        ['CONFIG SET appendonly yes', 'CONFIG REWRITE']],
    'a file' => [
        { appendonly => 'yes' }, undef, [$yes, $no, 1]],
    'a file, and keys are evicted' => [
        { appendonly => 'yes', maxmemory => '100mb',
          'maxmemory-policy' => 'allkeys-lru' }, undef, [$yes, $yes, 0],
        ['CONFIG SET maxmemory-policy noeviction', 'CONFIG REWRITE']],
    'keys that expire are evicted' => [
        { appendonly => 'yes', 'maxmemory-policy' => 'volatile-ttl' },
        undef, [$yes, $yes, 0],
        ['CONFIG SET maxmemory-policy noeviction', 'CONFIG REWRITE']],
    'neither' => [
        { @save, 'maxmemory-policy' => 'allkeys-random' }, undef,
        [$no, $yes, 0],
        ['CONFIG SET appendonly yes',
         'CONFIG SET maxmemory-policy noeviction', 'CONFIG REWRITE']],
    'no right to ask' => [
        { @save }, '', [undef, undef, 'NaN']],
    'a right to INFO' => [
        { @save }, '+info', [$no, $no, 0],
        ['CONFIG SET appendonly yes', 'CONFIG REWRITE']],
);


# What the status says: appendonly, evicting, in force.

sub status {
    my ($t) = @_;
    my $node = $t->get('/status?format=json')->json->{node}{durability};
    my $m = Intake::Exposition->parse(
        $t->get('/status?format=prometheus')->body);

    return [@$node{qw(appendonly evicting)},
            $m->value('intake_durability_in_force', source => 'a')];
}


for my $name (sort keys %rows) {
    my ($options, $more, $expected, $commands) = @{$rows{$name}};

    subtest $name => sub {
        my $t = Intake::Test->new();
        my $redis = $t->redis(
            options => $options,
            acl => ['default on nopass ~* +@all',
                    'intake on >s3cret ' . ($more // '') . " $rights "
                    . ($more // '')]);

        $t->write_file_expand('nginx.conf', delivery_conf(
            workers => 2, redis => 'server %%REDIS%%;'
            . (defined $more ? ' user intake; password s3cret;' : '')));
        $t->run();

        my $d = Intake::Deliveries->new(t => $t, redis => $redis);

        ok($t->wait_for(sub { $t->error_log_lines(qr/redis is ready/) == 2 }),
           'both workers are ready');
        is($d->deliver('a')->status, 200, 'stored');
        is_deeply(status($t), $expected, 'the status');

        my @lines = $t->error_log_lines($may_lose);

        is(scalar @lines, $commands ? 1 : 0, 'one line') or diag(@lines);
        is_deeply([map { /(CONFIG (?:SET \S+ [^\s,]+|REWRITE))/g } @lines],
                  $commands || [], 'the commands');
        is(scalar $t->error_log_lines(qr/\[error\]/), 0, 'no errors');

        # what it says can be done, and then is so

        for my $command (@{$commands || []}) {
            is($redis->command(split / /, $command), 'OK', $command);
        }

        if ($commands) {
            $redis->command(qw(CLIENT KILL TYPE normal SKIPME yes));
            ok($t->wait_for(sub { status($t)->[2] eq '1' }), 'then it holds');
            is_deeply(status($t), [$yes, $no, 1], 'the status');
            is(scalar $t->error_log_lines($may_lose), 1, 'still one line');
            like($t->read_file('redis.conf'), qr/^appendonly yes$/m,
                 'and it was written down');
        }

        $d->balance('once');
        $t->finish();
    };
}


done_testing();
