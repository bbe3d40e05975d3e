#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The messages of deliveries: t/payloads/expected.json says what each payload
# there holds.  t/oracle/messages.py reads the rules in its own way and must
# say the same, and nginx must count the same directions and know the same
# conversation.  With INTAKE_VECTORS the payloads of that folder are asked too:
# what nginx says must be what the oracle says.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Basename qw(basename);
use IPC::Open2;
use JSON::PP;
use POSIX ();
use Test::More;

use Intake::File;
use Intake::Platforms;
use Intake::Test;


my $json = JSON::PP->new->utf8;
my $folder = Intake::Test->root() . '/t/payloads';
my @payloads = @{$json->decode(
    Intake::File::slurp("$folder/expected.json"))};

$_->{path} = "$folder/$_->{file}" for @payloads;

is_deeply([sort map { $_->{file} } @payloads],
          [sort grep { $_ ne 'expected.json' } map { basename($_) }
           glob "$folder/*"], 'a row for each payload');


# payloads of others: PLATFORM__WHAT.json

my %presets = map { $_ => 1 } Intake::Platforms->names();
my %names = (instagram => 'meta', messenger => 'meta', whatsapp => 'meta',
             sendgrid => 'sendgrid-events');

if ($ENV{INTAKE_VECTORS}) {
    for my $path (sort glob "$ENV{INTAKE_VECTORS}/webhooks/payloads/*__*") {
        my ($platform) = basename($path) =~ /^(.+?)__/;

        $platform = $names{$platform} // $platform;
        push @payloads, { file => basename($path), path => $path,
                          platform => $platform }
            if $presets{$platform};
    }
}

for my $payload (@payloads) {
    my $type = $payload->{path} =~ /\.xml$/ ? 'text/xml'
                                            : 'application/json';

    $payload->{body} = Intake::File::slurp($payload->{path});
    $payload->{headers} = { 'Content-Type' => $type,
                            %{$payload->{headers} || {}} };
}


# what the oracle says of them

my $pid = open2(my $said, my $asked, 'python3',
                Intake::Test->root() . '/t/oracle/messages.py', '-l');

if (my $child = fork() // die "fork: $!") {
    close $asked;

    for my $payload (@payloads) {
        $payload->{oracle} = $json->decode(scalar <$said> // '[]');
    }

    waitpid $_, 0 for $child, $pid;
    is($?, 0, 'the oracle ends well');

} else {
    for my $payload (@payloads) {
        my $body = $payload->{body};

        utf8::decode($body);
        print $asked $json->encode({
            platform => $payload->{platform}, body => $body,
            headers => $payload->{headers} }), "\n";
    }

    close $asked;
    POSIX::_exit(0);
}


# One source for each platform.  Nothing is a duplicate: the payloads are of
# one another's ids.

my $t = Intake::Test->new();
my $platforms = Intake::Platforms->new($t);
my %used = map { $_->{platform} => 1 } @payloads;
my @used = sort keys %used;

$t->redis();

$platforms->write_conf(\@used,
    source => "        dedupe key=none;\n",
    server => "        location = /status { intake_status; }\n");

$t->run();


# The number of messages of a source by direction.

sub counters {
    my ($source) = @_;
    my $text = $t->get("/status?format=prometheus&source=$source")->body;

    return { $text =~ /^intake_messages_total\{source="\Q$source\E",
                       direction="(\w+)"\}\ (\d+)$/mgx };
}


sub count {
    my (@messages) = @_;
    my %count = (inbound => 0, outbound => 0, auto => 0);

    $count{$_->{direction}}++ for @messages;
    return \%count;
}


for my $payload (@payloads) {
    my ($name, $source) = @$payload{qw(file platform)};
    my @messages = @{$payload->{oracle}};
    my %conversations = map { $_->{conversation} => 1 } @messages;

    is_deeply([map { [@$_{qw(direction conversation id time)}] } @messages],
              $payload->{messages}, "$name: the oracle")
        if $payload->{messages};

    my $before = counters($source);
    my $r = $platforms->request($source, body => $payload->{body},
        method => 'POST', query => undef, headers => [%{$payload->{headers}}]);
    my $res = $t->request('POST', $r->{uri}, body => $r->{body},
                          headers => $r->{headers});

    like($res->status, qr/^20\d$/, "$name: stored") or diag($res->body);

    my $after = counters($source);
    $after->{$_} -= $before->{$_} for keys %$after;
    is_deeply($after, count(@messages), "$name: directions");

    my ($entry) = reverse $t->redis()->entries("intake:{$source}");
    my ($subject) = keys %conversations == 1 ? keys %conversations : ();
    utf8::encode($subject) if defined $subject;

    is($entry->{fields}{subject}, $subject, "$name: conversation");
}


# every platform with rules is asked for each direction that they know

my %known;
my $conf = Intake::File::slurp(
    Intake::Test->root() . '/conf/intake/platforms.conf');

while ($conf =~ /^intake_platform (\S+) \{\n(.*?)^\}/msg) {
    my ($name, $block) = ($1, $2);
    $known{"$name $1"} = 1 while $block =~ /^\s*message\s+(\w+)/mg;
}

for my $payload (@payloads) {
    delete $known{"$payload->{platform} $_->[0]"}
        for @{$payload->{messages} || []};
}

# these are others in all but how they are signed

delete @known{grep { /^(?:gitlab-signed|vonage-sms-\w+) / } keys %known};
is_deeply([sort keys %known], [], 'a payload for each direction');


$t->finish();
