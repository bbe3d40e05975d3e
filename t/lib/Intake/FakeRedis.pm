package Intake::FakeRedis;

# Copyright (C) nginx-intake contributors

# A server that speaks RESP and answers what the test says, right or wrong.
#
#     my $fake = Intake::FakeRedis->new(dir => $dir, rules => {
#         EVALSHA => ["-NOSCRIPT none\r\n", "*0\r\n"],    in turn, last stays
#         AUTH    => { reply => "+OK\r\n", delay => 1 },
#         default => { silent => 1 },
#     });
#
# A rule is the bytes of a reply, a list of rules, a sub that is called with
# the command and returns a rule, or a hash:
#
#     reply        bytes
#     delay        seconds before the first byte
#     chunk, pause bytes at a time, and seconds between them (0.001)
#     close        the connection is closed after the reply
#     close_after  and that many bytes of the reply are all that is sent
#     silent       no answer to this and any later command of the connection
#
# Names are those of commands; "SCRIPT LOAD" wins over SCRIPT.  `pace` is the
# seconds that it takes to read 65536 bytes, for a link that is slow.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP;
use POSIX ();
use Socket;
use Time::HiRes qw(sleep time);

use Intake::Port;


my %handshake = (
    'AUTH' => "+OK\r\n",
    'CLIENT' => "+OK\r\n",
    'PING' => "+PONG\r\n",
    'ROLE' => "*3\r\n\$6\r\nmaster\r\n:0\r\n*0\r\n",
    'SCRIPT LOAD' => "\$40\r\n" . '0' x 40 . "\r\n",
    'SELECT' => "+OK\r\n",
    'default' => "-ERR unknown command\r\n",
);

my $json = JSON::PP->new->ascii->allow_nonref;


sub new {
    my ($class, %opt) = @_;
    my $self = bless { name => 'fake', owner => $$, %opt }, $class;

    $self->{path} = "$self->{dir}/$self->{name}";
    $self->{rules} = { %handshake, %{$self->{rules} || {}} };

    return $self->start();
}


sub socket { "$_[0]{path}.sock" }
sub port { $_[0]{port} }
sub url { 'unix:' . $_[0]->socket() }
sub tcp_url { "redis://127.0.0.1:$_[0]{port}" }


# start() and stop() may be called again: the place stays the same.

sub start {
    my ($self) = @_;
    my @listen = ($self->listen_unix(), $self->listen_tcp());

    socketpair my $here, my $there, AF_UNIX, SOCK_STREAM, PF_UNSPEC
        or die "socketpair: $!";

    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        close $here;
        delete $self->{owner};
        eval { $self->serve($there, @listen) };
        print STDERR "Intake::FakeRedis: $@" if $@;
        POSIX::_exit($@ ? 1 : 0);
    }

    close $there;
    @$self{qw(pid control)} = ($pid, $here);

    return $self;
}


sub listen_unix {
    my ($self) = @_;

    unlink $self->socket();
    my $listen = IO::Socket::UNIX->new(
        Local => $self->socket(), Listen => 128) or die "listen: $!";
    chmod 0777, $self->socket();

    return $listen;
}


sub listen_tcp {
    my ($self) = @_;

    return unless $self->{port};

    $self->{reserved} //= Intake::Port->new();
    $self->{port} = $self->{reserved}->number();

    return IO::Socket::INET->new(
        Proto => 'tcp', LocalAddr => '127.0.0.1', LocalPort => $self->{port},
        Listen => 128, ReuseAddr => 1) || die "listen: $!";
}


sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;

    local $?;
    kill 'KILL', $pid;
    waitpid $pid, 0;
    unlink $self->socket();
}


sub DESTROY {
    my ($self) = @_;
    $self->stop() if ($self->{owner} // 0) == $$;
}


# Other rules from now on; subs cannot be given here.

sub rules {
    my ($self, %rules) = @_;

    $self->{rules} = { %{$self->{rules}}, %rules };
    syswrite $self->{control}, $json->encode(\%rules) . "\n";
    sysread $self->{control}, my $done, 1;
}


# What came, [NAME, ARGUMENT...] each, of one name or of all.  Of an argument of
# more than a megabyte it is the beginning.

sub commands {
    my ($self, $name) = @_;
    my @all = map { $_->{args} } grep { $_->{args} } $self->record();

    return defined $name ? grep { uc $_->[0] eq uc $name } @all : @all;
}


# How many connections were opened.

sub connections {
    my ($self) = @_;
    return scalar grep { $_->{event} eq 'open' } $self->record();
}


# Everything in order: { event => open|command|close, connection, args }.

sub record {
    my ($self) = @_;
    open my $fh, '<', "$self->{path}.record" or return;
    return map { $json->decode($_) } grep { /\n$/ } <$fh>;
}


# The rest runs in the child.

sub serve {
    my ($self, $control, @listen) = @_;

    $SIG{PIPE} = 'IGNORE';
    open $self->{out}, '>>', "$self->{path}.record" or die "record: $!";
    $self->{out}->autoflush(1);
    $self->{select} = IO::Select->new($control, @listen);

    while (1) {
        for my $fh ($self->{select}->can_read($self->send_due())) {
            if ($fh == $control) {
                return unless $self->obey($control);

            } elsif (grep { $_ == $fh } @listen) {
                $self->open_connection($fh->accept() || next);

            } elsif (my $conn = $self->{conns}{fileno $fh}) {
                $self->read_commands($conn);
            }
        }
    }
}


sub obey {
    my ($self, $control) = @_;
    my $line = '';

    while ($line !~ /\n/) {
        sysread $control, $line, 65536, length $line or return 0;
    }

    $self->{rules} = { %{$self->{rules}}, %{$json->decode($line)} };
    syswrite $control, '.';

    return 1;
}


sub note {
    my ($self, $conn, $event, @more) = @_;

    print {$self->{out}} $json->encode(
        { event => $event, connection => $conn->{number}, @more }), "\n";
}


sub open_connection {
    my ($self, $fh) = @_;
    my $conn = { fh => $fh, number => ++$self->{opened}, in => '',
                 out => [], free => 0 };

    $self->{conns}{fileno $fh} = $conn;
    $self->{select}->add($fh);
    $self->note($conn, 'open');
}


sub close_connection {
    my ($self, $conn) = @_;

    $self->note($conn, 'close');
    $self->{select}->remove($conn->{fh});
    delete $self->{conns}{fileno $conn->{fh}};
    close $conn->{fh};
}


sub read_commands {
    my ($self, $conn) = @_;

    my $n = sysread $conn->{fh}, $conn->{in}, 65536, length $conn->{in};

    return $self->close_connection($conn) unless $n;

    sleep $n / 65536 * ($self->{rules}{pace} // 0);

    while (my @args = take_command(\$conn->{in})) {
        $self->note($conn, 'command', args => [
            map { length > 1_048_576 ? substr $_, 0, 64 : $_ } @args]);
        $self->answer($conn, @args) unless $conn->{silent};
    }
}


# One command off the front of the text; nothing until it is complete.

sub take_command {
    my ($text) = @_;

    $$text =~ /^\*(\d+)\r\n/ or return;
    my ($count, $at, @args) = ($1, $+[0]);

    while (@args < $count) {
        pos($$text) = $at;
        $$text =~ /\G\$(\d+)\r\n/g or return;
        my $start = pos $$text;

        return if length($$text) < $start + $1 + 2;
        push @args, substr $$text, $start, $1;
        $at = $start + $1 + 2;
    }

    substr $$text, 0, $at, '';

    return @args;
}


sub rule {
    my ($self, @args) = @_;
    my $rules = $self->{rules};
    my $name = uc $args[0];
    my $both = @args > 1 ? uc "$args[0] $args[1]" : $name;
    my $rule = $rules->{$both} // $rules->{$name} // $rules->{default};

    while (ref $rule eq 'ARRAY' || ref $rule eq 'CODE') {
        $rule = ref $rule eq 'CODE' ? $rule->(@args)
                : @$rule > 1 ? shift @$rule : $rule->[0];
    }

    return ref $rule ? $rule : { reply => $rule };
}


# Puts the pieces of the reply, each with its time, behind earlier ones.

sub answer {
    my ($self, $conn, @args) = @_;
    my $rule = $self->rule(@args);
    my $bytes = $rule->{reply} // '';
    my $cut = $rule->{close_after};

    if ($rule->{silent}) {
        $conn->{silent} = 1;
        return;
    }

    $bytes = substr $bytes, 0, $cut if defined $cut;

    my $size = $rule->{chunk} || length $bytes || 1;
    my $at = time() + ($rule->{delay} || 0);
    $at = $conn->{free} if $at < $conn->{free};

    for my $piece (unpack "(a$size)*", $bytes) {
        push @{$conn->{out}}, [$at, $piece];
        $at += $rule->{pause} // 0.001 if $rule->{chunk};
    }

    push @{$conn->{out}}, [$at, undef] if $rule->{close} || defined $cut;
    $conn->{free} = $at;
}


# Sends what is due; returns the seconds until something will be.

sub send_due {
    my ($self) = @_;
    my $now = time();
    my $next;

    for my $conn (values %{$self->{conns}}) {
        my $out = $conn->{out};

        while (@$out && $out->[0][0] <= $now) {
            my $piece = (shift @$out)->[1];

            if (!defined $piece || !print_all($conn->{fh}, $piece)) {
                $self->close_connection($conn);
                @$out = ();
            }
        }

        $next = $out->[0][0]
            if @$out && (!defined $next || $out->[0][0] < $next);
    }

    return defined $next ? $next - $now : undef;
}


sub print_all {
    my ($fh, $bytes) = @_;

    while (length $bytes) {
        my $n = syswrite($fh, $bytes) // return 0;
        substr $bytes, 0, $n, '';
    }

    return 1;
}


1;
