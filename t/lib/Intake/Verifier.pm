package Intake::Verifier;

# Copyright (C) nginx-intake contributors

# A stand-in for those who verify captchas.
#
#     my $verifier = Intake::Verifier->new(dir => $t->dir());
#     ... proxy_pass http://127.0.0.1:<port()>/siteverify;
#     $verifier->answers(good => '{"success":true}', ...);
#     my @requests = $verifier->requests();
#
# The answer is that for the first of the words that stands in the request's
# body: its JSON, or a hash with `status`, `body`, `type`, `cut` (the body ends
# before its length) or `hold` (nothing, until release() or the client leaves).
# With `once` that is for the first request with this body; another one hears
# at once that the answer was used before.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();

use Intake::Port;


my $json = JSON::PP->new->canonical->allow_nonref;
my $used = '{"success":false,"error-codes":["timeout-or-duplicate"]}';


sub new {
    my ($class, %opt) = @_;
    my $self = bless { owner => $$, answers => {}, %opt }, $class;

    $self->{reserved} = Intake::Port->new();
    $self->{record} = "$self->{dir}/verifier.record";

    return $self;
}


sub port { $_[0]{reserved}->number() }


# Starts, or starts again, with these answers.

sub answers {
    my ($self, %answers) = @_;

    $self->stop();
    $self->{answers} = \%answers;

    my $listen = IO::Socket::INET->new(
        Proto => 'tcp', LocalAddr => '127.0.0.1', LocalPort => $self->port(),
        Listen => 64, ReuseAddr => 1) or die "listen: $!";

    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        delete $self->{owner};
        eval { $self->serve($listen) };
        print STDERR "Intake::Verifier: $@" if $@;
        POSIX::_exit($@ ? 1 : 0);
    }

    $self->{pid} = $pid;
}


sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;

    local $?;
    kill 'KILL', $pid;
    waitpid $pid, 0;
}


sub DESTROY {
    my ($self) = @_;
    $self->stop() if ($self->{owner} // 0) == $$;
}


# What has been asked so far: { head, body } each, and { left => 1 } for a held
# request whose client has left.

sub record {
    my ($self) = @_;

    open my $fh, '<', $self->{record} or return;
    return map { $json->decode($_) } grep { /\n$/ } <$fh>;
}


sub requests { grep { !$_->{left} } $_[0]->record() }
sub left { scalar grep { $_->{left} } $_[0]->record() }


# Lets those go that are held, all of them with this answer.

sub release {
    my ($self, $answer) = @_;

    open my $fh, '>', "$self->{record}.answer.new" or die $!;
    print $fh $json->encode($answer);
    close $fh;
    rename "$self->{record}.answer.new", "$self->{record}.answer";
    kill 'USR1', $self->{pid};
}


# The rest runs in the child.

sub serve {
    my ($self, $listen) = @_;
    my $select = IO::Select->new($listen);
    my (%in, @held, $release);

    $SIG{PIPE} = 'IGNORE';
    $SIG{USR1} = sub { $release = 1 };

    open my $out, '>>', $self->{record} or die "record: $!";
    $out->autoflush(1);

    while (1) {
        for my $fh ($select->can_read(0.05)) {

            if ($fh == $listen) {
                my $conn = $fh->accept() or next;
                $select->add($conn);
                $in{$conn} = '';
                next;
            }

            if (!sysread $fh, $in{$fh}, 65536, length $in{$fh}) {
                print $out $json->encode({ left => 1 }), "\n"
                    if grep { $_ == $fh } @held;
                @held = grep { $_ != $fh } @held;
                $select->remove($fh);
                close $fh;
                next;
            }

            my ($head, $body) = split /\r\n\r\n/, $in{$fh}, 2;
            my ($length) = $head =~ /^Content-Length: (\d+)/mi;

            next if !defined $body || length $body < ($length // 0);

            print $out $json->encode({ head => $head, body => $body }), "\n";
            $in{$fh} = '';

            my $answer = $self->choose($body);

            $answer = $used if ref $answer && $answer->{once}
                               && $self->{asked}{$body}++;

            if (ref $answer && $answer->{hold}) {
                push @held, $fh;
                next;
            }

            write_answer($fh, $answer);
            $select->remove($fh);
            close $fh;
        }

        next unless $release;
        $release = 0;

        open my $from, '<', "$self->{record}.answer" or next;
        my $answer = $json->decode(do { local $/; <$from> });

        for my $fh (splice @held) {
            write_answer($fh, $answer);
            $select->remove($fh);
            close $fh;
        }
    }
}


sub choose {
    my ($self, $body) = @_;

    for my $word (sort keys %{$self->{answers}}) {
        return $self->{answers}{$word} if $body =~ /\b\Q$word\E\b/;
    }

    return { status => 404, body => 'unknown', type => 'text/plain' };
}


sub write_answer {
    my ($fh, $answer) = @_;
    my %answer = ref $answer ? %$answer : (body => $answer);
    my $body = $answer{body} // '';
    my $length = length($body) + ($answer{cut} // 0);

    return if $answer{close};

    print $fh "HTTP/1.1 " . ($answer{status} // 200) . " X\r\n"
        . "Content-Type: " . ($answer{type} // 'application/json') . "\r\n"
        . "Content-Length: $length\r\nConnection: close\r\n\r\n$body";
    $fh->flush();
}


1;
