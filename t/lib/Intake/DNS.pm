package Intake::DNS;

# Copyright (C) nginx-intake contributors

# A name server on a UDP port of 127.0.0.1 that answers questions for A
# records; a name without addresses does not exist.
#
#     my $dns = Intake::DNS->new(dir => $dir,
#                                names => { 'redis.test' => ['127.0.0.1'] });
#     $dns->port(), $dns->names('redis.test' => ['127.0.0.2'])

use strict;
use warnings;

use IO::Socket::INET;
use POSIX ();
use Socket qw(inet_aton);

use Intake::File;


sub new {
    my ($class, %opt) = @_;
    my $self = bless { owner => $$, names => {}, %opt }, $class;
    my $socket = IO::Socket::INET->new(Proto => 'udp',
                                       LocalAddr => '127.0.0.1')
        or die "udp: $!";

    $self->{port} = $socket->sockport();
    $self->names(%{$self->{names}});
    $self->{pid} = fork() // die "fork: $!";

    if ($self->{pid} == 0) {
        eval { $self->serve($socket) };
        POSIX::_exit(0);
    }

    return $self;
}


sub port { $_[0]{port} }
sub file { "$_[0]{dir}/names.$_[0]{port}" }


# Other addresses from now on.

sub names {
    my ($self, %names) = @_;

    open my $fh, '>', $self->file() . '.new' or die "names: $!";
    print $fh "$_ @{$names{$_}}\n" for sort keys %names;
    close $fh;
    rename $self->file() . '.new', $self->file() or die "names: $!";
}


sub serve {
    my ($self, $socket) = @_;

    while (defined(my $peer = $socket->recv(my $query, 512))) {
        my ($id, $question) = (substr($query, 0, 2), substr $query, 12);
        my ($name, $end) = ('', 0);

        while (my $length = unpack "x$end C", $question) {
            $name .= '.' if length $name;
            $name .= substr $question, $end + 1, $length;
            $end += $length + 1;
        }

        my $type = unpack 'n', substr $question, $end + 1, 2;
        my %known = map { split / /, $_, 2 }
                    split /\n/, Intake::File::slurp($self->file()) // '';
        my @addresses = $type == 1 ? split / /, $known{lc $name} // '' : ();

        $socket->send(
            $id . pack('nnnnn', exists $known{lc $name} ? 0x8180 : 0x8183, 1,
                       scalar @addresses, 0, 0)
            . substr($question, 0, $end + 5)
            . join('', map { pack('nnnNn', 0xc00c, 1, 1, 1, 4)
                             . inet_aton($_) } @addresses), 0, $peer);
    }
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
    $self->stop() if $self->{owner} == $$;
}


1;
