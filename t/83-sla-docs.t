#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# What docs/sla.md shows is done as it is printed: the configuration is taken
# and gives the promised deadlines, curl and Python report replies, the link
# closes, the consumer prints and mails.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;

use Intake::Desk qw(stamp);
use Intake::Process;
use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis(port => 1);
my $json = JSON::PP->new->utf8->canonical;

my $text = Intake::File::slurp("$Intake::Test::root/docs/sla.md");
my %blocks;

push @{$blocks{$1}}, $2 while $text =~ /^```(\w+)\n(.*?)^```$/msg;
my @commands = $text =~ /^ {4}(\S.*)$/mg;

my @locations = grep { /^location/ } @{$blocks{nginx}};
my @main = grep { !/^location/ } @{$blocks{nginx}};

is(scalar @locations, 1, 'a location');
is(scalar @main, 6, 'the promises');

$t->write_file("$_->[0]", "$_->[1]\n", 0600)
    for ['meta.secret', 's'], ['meta.token', 't'], ['replies.token', 'r3plies'];

my ($platform) = Intake::File::slurp(
    "$Intake::Test::root/conf/intake/platforms.conf") ? '%%PLATFORMS%%' : '';

$t->write_file_expand('nginx.conf', <<"EOC");
%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    include  $platform;

    intake_redis {
        server          %%REDIS%%;
        max_clock_skew  off;
    }

@main
    server {
        listen    127.0.0.1:%%PORT_0%%;

        location = /contact { intake contact; }
@locations
    }
}
EOC

$t->run();


sub report {
    my ($source, $conversation, $kind, $at) = @_;

    return $t->post('/intake/replies', $json->encode({
        source => $source, conversation => $conversation, kind => $kind,
        $at ? (at => $at) : () }), ['Authorization', 'Bearer r3plies'])->json;
}


# the deadlines; Berlin is an hour ahead of UTC

for (['facebook', '2025-03-08T11:00:00Z', '2025-03-08T11:30:00'],
     ['email', '2025-03-07T15:30:00Z', '2025-03-08T09:30:00'],
     ['phone', '2025-03-10T15:00:00Z', '2025-03-11T09:00:00'],
     ['letters', '2025-03-07T17:00:00Z', '2025-03-09T11:00:00'],
     ['shop', '2025-03-08T11:00:00Z', '2025-03-10T11:00:00'],
     ['shop', '2025-03-07T15:00:00Z', '2025-03-08T15:00:00'],
     ['contact', '2025-03-10T19:00:00Z', '2025-03-11T09:00:00'])
{
    my ($source, $at, $due) = @$_;
    my $answer = report($source, "d-$at", 'message', $at);

    is($answer->{due}, "$due.000000Z", "$source: $at");
}

$redis->command('FLUSHALL');


# replies

my $now = time();
my $url = 'http://127.0.0.1:' . $t->port(0) . '/intake/replies';

local $ENV{TOKEN} = 'r3plies';
local $ENV{URL} = $url;

report('contact', "c-$_", 'message', stamp($now - 300)) for 1 .. 4;


sub run_command {
    my ($command) = @_;

    open my $fh, '-|', 'sh', '-c', "$command 2>&1" or die "sh: $!";
    local $/;

    return scalar <$fh>;
}


sub run_python {
    my ($program) = @_;
    my $file = $t->write_file('program.py', $program);

    return run_command("/usr/bin/python3 $file");
}

my ($curl) = grep { /^curl/ } @commands;

my $answer = eval { $json->decode(run_command(
    'curl -s ' . ($curl =~ s/^curl //r) =~ s{http://127\.0\.0\.1:8080\S*}
                                           {$url}r)) };

is($answer->{state}, 'answered', 'curl');
is_deeply([sort keys %$answer], [sort keys %{$json->decode($blocks{json}[0])}],
          'what is answered');
is(run_python($blocks{python}[0]), "answered\nclosed\n", 'Python');


# the link

chomp(my $link = run_python($blocks{python}[1]));
my ($uri) = $link =~ m{^http://[^/]+(/.*)};

is($t->get($uri)->status(), 200, 'the link');
is($t->post($uri, '')->status(), 200, 'its button');
is($redis->command('ZCARD', 'intake:{contact}:sla:wait:default:first'), 0,
   'nobody waits any more');


# the consumer: one who has waited so long that all is due

my ($printing, $mailing) = grep { m{^conf/consumers} } @commands;

# many days ago: whatever the calendar says now, it was open in between

report('contact', 'slow', 'message', stamp($now - 10 * 86400));
ok($t->wait_for(sub {
    $redis->command('XLEN', 'intake:{contact}:escalations') >= 4 }, 90),
   'somebody waits');

$t->write_file('sendmail', "#!/bin/sh\ncat >> $t->{dir}/mails\n", 0755);
local $ENV{SENDMAIL} = $t->path('sendmail');

for ([$printing, 'out', qr/^escalate\ manager:\ slow\ has\ waited\ since\ \S+,
                          \ due\ \S+$/mx],
     [$mailing, 'mails', qr/^To:\ boss\@example\.com\nSubject:\ \[\/contact\]
                           \ escalate\n\nescalate\ manager:\ slow/mx])
{
    my ($command, $file, $like) = @$_;
    my (undef, undef, @args) = split / /, $command;

    $redis->command('XGROUP', 'DESTROY', 'intake:{contact}:escalations',
                    'mail');

    my $consumer = Intake::Process->spawn(
        command => ["$Intake::Test::root/conf/consumers/escalations",
                    'unix://' . $redis->socket(), @args],
        out => $t->path('out'));

    ok($t->wait_for(sub {
        (Intake::File::slurp($t->path($file)) // '') =~ $like }), $command)
        or diag Intake::File::slurp($t->path('out'));
    ok($t->wait_for(sub {
        $redis->command('XPENDING', 'intake:{contact}:escalations',
                        'mail')->[0] == 0 }), 'and done');

    $consumer->kill_group();
}

my @mails = (Intake::File::slurp($t->path('mails')) // '') =~ /^To:/mg;

is(scalar @mails, 1, 'of one step only');

$t->finish();
