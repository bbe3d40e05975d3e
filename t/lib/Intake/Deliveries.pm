package Intake::Deliveries;

# Copyright (C) nginx-intake contributors

# Deliveries to one source, with a book of what became of each:
#
#     $t->write_file_expand('nginx.conf', delivery_conf(
#         redis => 'server %%REDIS%%;', source => 'deadline 500ms;'));
#     my $d = Intake::Deliveries->new(t => $t, redis => $redis);
#
#     is($d->deliver('a')->status, 200);
#     my @late = map { $d->send("b$_") } 1 .. 9;
#     $d->receive($_) for @late;
#     $d->balance('stored once');
#
# The answer of deliver() and receive() is that of Intake::HTTP, with
# `elapsed`, the seconds it took.

use strict;
use warnings;

use Digest::SHA qw(sha256);
use Exporter qw(import);
use MIME::Base64 qw(encode_base64url);
use Test::More ();
use Time::HiRes qw(time);

use Intake::Sign;

our @EXPORT = qw(delivery_conf);

my $secret = 's3cret';


# A configuration with the source `a` at /a and the status at /status.  redis,
# source, http, server and globals are more lines of their blocks, workers a
# number.

sub delivery_conf {
    my (%opt) = @_;
    my $workers = $opt{workers} // 1;
    my ($globals, $redis, $source, $http, $server)
        = map { $_ // '' } @opt{qw(globals redis source http server)};

    return <<"EOC";
%%TEST_GLOBALS%%
worker_processes $workers;
$globals

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        $redis
    }

    intake_platform signed {
        algorithm  hmac-sha256;
        signature  header:X-Signature;
        signed     "\$id.\$body";
        id         header:X-Id;
        dedupe     window=1h;
    }

    intake_source a {
        platform  signed;
        secret    $secret;
        $source
    }

    $http

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location = /a      { intake a; }
        location = /status { intake_status; }
        location = /up     { return 204; }
        $server
    }
}
EOC
}


# t, redis (an Intake::RedisServer); uri ('/a'), stream ('intake:{a}')

sub new {
    my ($class, %opt) = @_;
    return bless { uri => '/a', stream => 'intake:{a}', book => {}, %opt },
        $class;
}


# What is posted for an id.

sub body { "body of $_[0]" }


sub request_of {
    my ($id) = @_;
    my $body = body($id);

    return (body => $body, close => 1, headers => [
        'X-Id' => $id,
        'X-Signature' => hmac('sha256', 'hex', $secret, "$id.$body")]);
}


sub deliver {
    my ($self, $id) = @_;
    return $self->receive($self->send($id));
}


sub send {
    my ($self, $id) = @_;
    my $sent = { id => $id, at => time(), http => $self->{t}->http() };

    $sent->{http}->send('POST', $self->{uri}, request_of($id));

    return $sent;
}


sub receive {
    my ($self, $sent) = @_;
    my $res = $sent->{http}->response('POST');

    $sent->{http}->close();
    $res->{elapsed} = time() - $sent->{at};
    $self->note($sent->{id}, $res);

    return $res;
}


# Nobody waits for this one any more.

sub abandon {
    my ($self, $sent) = @_;
    $sent->{http}->close();
}


sub note {
    my ($self, $id, $res) = @_;

    return if $res->status != 200;
    push @{$self->{book}{$id}}, $res->json;
}


# Whether every 200 so far was true: its entry is in the stream, once, with the
# delivery's own id and body, and all that were told of it were told the same.

sub balance {
    my ($self, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @wrong = $self->wrong();

    Test::More::ok(!@wrong, $name)
        or Test::More::diag(join "\n", splice @wrong, 0, 20);
}


sub wrong {
    my ($self) = @_;
    my (@wrong, %entry);

    for my $row ($self->{redis}->entries($self->{stream})) {
        my $fields = $row->{fields};
        my $id = $fields->{id};

        push @wrong, "$id is there twice" if $entry{$id};
        push @wrong, "$id has another body" if $fields->{data} ne body($id);
        $entry{$id} = $row->{entry};
    }

    for my $id (sort keys %{$self->{book}}) {
        for my $answer (@{$self->{book}{$id}}) {
            push @wrong, "$id was answered as $answer->{id}"
                if $answer->{id} ne $id;
            push @wrong, "$id is not there" if !defined $entry{$id};

            # what was in the spool first was told no entry
            push @wrong, "$id is not at $answer->{entry}"
                if defined $answer->{entry}
                   && $answer->{entry} ne ($entry{$id} // '');
        }
    }

    return @wrong;
}


# How many entries an id has.

sub count {
    my ($self, $id) = @_;
    return scalar grep { $_->{fields}{id} eq $id }
                  $self->{redis}->entries($self->{stream});
}


# What stands for an id in the name of its dedupe key.

sub hash {
    my ($self, $id) = @_;
    return substr encode_base64url(sha256($id)), 0, 22;
}


# A number of the status, that of the sample with this name.

sub metric {
    my ($self, $name) = @_;
    return $self->{t}->get('/status?format=prometheus&scope=node')->body
        =~ /^\Q$name\E ([0-9.]+)$/m ? $1 : undef;
}


sub in_flight { $_[0]->metric('intake_redis_in_flight') }


# Waits until the connection is a second old: one that breaks sooner counts as
# a failed try, with a longer wait before the next one.

sub steady {
    my ($self) = @_;
    my ($connects, $since) = (-1, 0);

    return $self->ready() && $self->{t}->wait_for(sub {
        my $now = $self->metric('intake_redis_connects_total');

        ($connects, $since) = ($now, time()) if $now != $connects;
        return time() > $since + 1.05;
    });
}


# For tests that break one connection after another: not every one has to be
# that old, the waits do not get long before the third.

sub connected {
    my ($self) = @_;
    return $self->{connected}++ % 3 ? $self->ready() : $self->steady();
}


# Waits until the worker has a connection that is ready.

sub ready {
    my ($self, $timeout) = @_;
    return $self->{t}->wait_for(sub {
        $self->{t}->get('/status?health')->status == 200 }, $timeout);
}


1;
