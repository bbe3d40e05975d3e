package Intake::Browser;

# Copyright (C) nginx-intake contributors

# A headless Chromium, told what to do through a pipe in the DevTools protocol.
#
#     my $browser = Intake::Browser->new(dir => $t->dir());
#     my $page = $browser->page(scripts => 0);
#
#     $page->go("http://127.0.0.1:$port/contact.html");
#     $page->type('#name', 'Ann');
#     $page->leads(sub { $page->click('button') });
#     is($page->text('h1'), 'Thank you');
#
# Each page has cookies of its own.  What its console says of errors, refused
# scripts and styles included, is in $page->complaints().

use strict;
use warnings;

use IO::Select;
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(time);

use Intake::Browser::Page;
use Intake::Process;

my $json = JSON::PP->new->utf8->allow_nonref;


# The program, or undef.

sub program {
    for my $dir (split /:/, $ENV{PATH}) {
        return "$dir/chromium" if -x "$dir/chromium";
    }

    return undef;
}


# dir: a folder for its profile; it is given up with the object.

sub new {
    my ($class, %opt) = @_;
    my $self = bless { next => 1, buffer => '', answers => {}, pages => {},
                       owner => $$ }, $class;

    # Chromium reads from descriptor 3 and writes to descriptor 4

    pipe my $theirs_in, my $ours_out or die "pipe: $!";
    pipe my $ours_in, my $theirs_out or die "pipe: $!";

    my @command = (program(), '--headless=new', '--no-sandbox',
                   '--remote-debugging-pipe', "--user-data-dir=$opt{dir}/user",
                   '--disable-gpu', '--disable-dev-shm-usage',
                   '--disable-background-networking', '--no-first-run',
                   '--disable-component-update', '--no-proxy-server',
                   'about:blank');

    $self->{pid} = fork() // die "fork: $!";

    if ($self->{pid} == 0) {
        setpgrp(0, 0);
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$opt{dir}/chromium.log" or POSIX::_exit(127);
        open STDERR, '>&', \*STDOUT;

        # first to where neither is overwritten
        POSIX::dup2(fileno $theirs_in, 63);
        POSIX::dup2(fileno $theirs_out, 64);
        POSIX::dup2(63, 3);
        POSIX::dup2(64, 4);
        POSIX::close($_) for 63, 64;

        $ENV{HOME} = $opt{dir};
        { exec qw(setpriv --pdeathsig TERM --), @command }
        POSIX::_exit(127);
    }

    setpgrp($self->{pid}, $self->{pid});
    close $theirs_in;
    close $theirs_out;
    binmode $_ for $ours_in, $ours_out;
    $ours_out->autoflush(1);
    @$self{qw(in out)} = ($ours_in, $ours_out);

    return $self;
}


# A blank page of its own.  scripts: 0 turns JavaScript off; width, height,
# dark: of the window (800, 900, 0).

sub page {
    my ($self, %opt) = @_;
    my $context = $self->call('Target.createBrowserContext');
    my $target = $self->call('Target.createTarget', { url => 'about:blank',
        browserContextId => $context->{browserContextId} });
    my $session = $self->call('Target.attachToTarget',
        { targetId => $target->{targetId}, flatten => JSON::PP::true });

    return Intake::Browser::Page->new($self, $session->{sessionId}, %opt);
}


sub listen_to {
    my ($self, $session, $page) = @_;
    $self->{pages}{$session} = $page;
}


# One command, whose result is returned; dies of an error.

sub call {
    my ($self, $method, $params, $session) = @_;
    my $id = $self->send($method, $params, $session);

    return $self->answer($id, $method);
}


# The same in two steps.

sub send {
    my ($self, $method, $params, $session) = @_;
    my $id = $self->{next}++;

    my $message = $json->encode({ id => $id, method => $method,
                                  params => $params || {},
                                  $session ? (sessionId => $session) : () });

    local $SIG{PIPE} = 'IGNORE';
    print {$self->{out}} $message, "\0" or die "chromium has left: $!";

    return $id;
}


sub answer {
    my ($self, $id, $method) = @_;

    $self->wait(sub { $self->{answers}{$id} }, $method);

    my $answer = delete $self->{answers}{$id};

    die "$method: $answer->{error}{message}\n" if $answer->{error};

    return $answer->{result};
}


# Reads what comes until the sub returns true; dies when that takes too long.

sub wait {
    my ($self, $sub, $what, $timeout) = @_;
    my $end = time() + ($timeout // 180);
    my $value;

    until ($value = $sub->()) {
        $self->read($end - time()) or die "waited in vain: $what\n";
    }

    return $value;
}


# Takes the messages that have come, or waits for some; false on timeout.

sub read {
    my ($self, $timeout) = @_;

    return 0 if $timeout < 0
                || !IO::Select->new($self->{in})->can_read($timeout);

    sysread $self->{in}, $self->{buffer}, 65536, length $self->{buffer}
        or die 'chromium has left';

    while ($self->{buffer} =~ s/\A([^\0]*)\0//) {
        my $message = $json->decode($1);

        if ($message->{id}) {
            $self->{answers}{$message->{id}} = $message;

        } elsif (my $page = $self->{pages}{$message->{sessionId} // ''}) {
            $page->event($message->{method}, $message->{params});
        }
    }

    return 1;
}


sub close {
    my ($self) = @_;

    return unless $self->{pid};

    eval { $self->call('Browser.close') };
    Intake::Process::wait_for {
        waitpid($self->{pid}, POSIX::WNOHANG()) != 0 } 10;
    kill 'KILL', -$self->{pid};
    waitpid $self->{pid}, 0;
    delete $self->{pid};
}


sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);

    $self->close() if $self->{owner} == $$;
}


1;
