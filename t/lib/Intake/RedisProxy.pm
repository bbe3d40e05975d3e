package Intake::RedisProxy;

# Copyright (C) nginx-intake contributors

# An Intake::FakeRedis that has a real Redis behind it, so that a reply can be
# broken while what it answers has been done:
#
#     my $proxy = Intake::RedisProxy->new(dir => $dir, redis => $redis);
#     $proxy->rules(EVALSHA => [{ pass => 1, close_after => 3 },
#                               { pass => 1 }]);
#
# `pass` in a rule: the command is done, and its reply is that of the real
# one, unless the rule has one of its own; `suffix` is put behind it.  Every
# command without another rule passes.  All connections share one to the real
# Redis, made anew when that was restarted.

use strict;
use warnings;

use parent 'Intake::FakeRedis';

use IO::Socket::UNIX;


sub new {
    my ($class, %opt) = @_;
    my %pass = map { $_ => { pass => 1 } } 'AUTH', 'CLIENT', 'PING', 'ROLE',
                                           'SCRIPT LOAD', 'SELECT', 'default';

    return $class->SUPER::new(name => 'proxy', %opt,
                              rules => { %pass, %{$opt{rules} || {}} });
}


sub rule {
    my ($self, @args) = @_;
    my $rule = $self->SUPER::rule(@args);

    return $rule unless $rule->{pass};

    my $reply = $self->pass(@args) . ($rule->{suffix} // '');

    return { reply => $reply, %$rule };
}


sub pass {
    my ($self, @args) = @_;
    my $command = join '', '*' . @args . "\r\n",
                       map { '$' . length($_) . "\r\n$_\r\n" } @args;

    for (1 .. 2) {
        my $to = $self->{upstream} //= IO::Socket::UNIX->new(
            Peer => $self->{redis}->socket()) or last;
        my $reply = print({$to} $command) && $to->flush() ? reply($to) : undef;

        return $reply if defined $reply;
        delete $self->{upstream};
    }

    return "-ERR there is nothing behind this proxy\r\n";
}


# The bytes of one reply.

sub reply {
    my ($from) = @_;
    my $line = <$from> // return undef;
    my ($type, $n) = $line =~ /^(.)(-?\d*)/;

    if ($type eq '$' && $n >= 0) {
        read($from, my $bytes, $n + 2) == $n + 2 or return undef;
        return $line . $bytes;
    }

    if ($type eq '*') {
        $line .= reply($from) // return undef for 1 .. $n;
    }

    return $line;
}


1;
