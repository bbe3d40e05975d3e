package Intake::RedisServer;

# Copyright (C) nginx-intake contributors

# A real redis-server of a test's own, on a unix socket and, with port => 1,
# on a TCP port of `host`, 127.0.0.1 if it has no other.
#
#     my $redis = Intake::RedisServer->new(dir => $dir, port => 1,
#         options => { appendonly => 'yes', save => ['60 1', '300 10'] },
#         acl => ['intake on >secret ~intake:* +@all'])->start();
#
# sentinel => 1 starts it as a Sentinel; `binary` is another server's, such as
# that of Valkey; `env` is more of its environment; `password` is the one with
# which command() logs in.  tls => { OPTIONS } makes the port one of TLS alone,
# for replicas and sentinels, too.

use strict;
use warnings;

use IO::Socket::UNIX;

use Intake::Port;
use Intake::Process qw(wait_for);


# The binary of Valkey that INTAKE_VALKEY names, or one that is installed.

sub valkey {
    return $ENV{INTAKE_VALKEY}
           // (grep { -x } map { "$_/valkey-server" } split /:/, $ENV{PATH})[0];
}


sub new {
    my ($class, %opt) = @_;
    my $self = bless { name => 'redis', host => '127.0.0.1', %opt }, $class;

    $self->{path} = "$self->{dir}/$self->{name}";
    mkdir $self->{path};

    if ($self->{port}) {
        $self->{reserved} = Intake::Port->new();
        $self->{port} = $self->{reserved}->number();
    }

    return $self;
}


sub socket { "$_[0]{path}.sock" }
sub host { $_[0]{host} }
sub port { $_[0]{port} }
sub url { 'unix:' . $_[0]->socket() }
sub tcp_url { "redis://$_[0]{host}:$_[0]{port}" }
sub log { Intake::File::slurp("$_[0]{path}.log") // '' }
sub pid { $_[0]{process} ? $_[0]{process}->pid() : undef }


sub start {
    my ($self) = @_;

    $self->launch();

    wait_for { $self->ready() || $self->{process}->gone() } 30;
    die "redis-server did not start: " . $self->log() . "\n"
        if $self->{process}->gone() || !$self->ready();

    return $self;
}


# Without waiting for it.

sub launch {
    my ($self) = @_;

    unlink $self->socket();
    $self->write_conf() unless $self->{sentinel} && -e "$self->{path}.conf";

    $self->{process} = Intake::Process->spawn(
        command => [$self->{binary} // 'redis-server', "$self->{path}.conf",
                    $self->{sentinel} ? '--sentinel' : ()],
        env => $self->{env}, out => "$self->{path}.out");
}


sub write_conf {
    my ($self) = @_;
    my %options = (
        port => $self->{port} || 0,
        bind => $self->{host},
        unixsocket => $self->socket(),
        unixsocketperm => '777',
        dir => $self->{path},
        logfile => "$self->{path}.log",
        daemonize => 'no',
        $self->{sentinel} ? () : (save => '""', appendonly => 'no'),
        $self->{tls} && ref $self->{tls}
            ? (port => 0, 'tls-port' => $self->{port},
               'tls-replication' => 'yes', %{$self->{tls}}) : (),
        %{$self->{options} || {}},
    );

    open my $fh, '>', "$self->{path}.conf" or die "$self->{path}.conf: $!";

    for my $name (sort keys %options) {
        my $value = $options{$name};
        print $fh "$name $_\n" for ref $value ? @$value : $value;
    }

    print $fh "user $_\n" for @{$self->{acl} || []};
    close $fh;
}


# Answers PING with anything but -LOADING.

sub ready {
    my ($self) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => $self->socket()) or return 0;
    local $SIG{PIPE} = 'IGNORE';

    print $socket "PING\r\n";
    my $line = <$socket> // return 0;

    return $line !~ /^-LOADING/;
}


sub client {
    my ($self) = @_;

    require Intake::Redis;

    if (!$self->{client}) {
        my $client = Intake::Redis->new(socket => $self->socket());

        $client->command('AUTH', $self->{password})
            if defined $self->{password};
        $self->{client} = $client;
    }

    return $self->{client};
}


sub command {
    my ($self, @args) = @_;
    return $self->client()->command(@args);
}


# The same where the connection may have ended since the last time: the server
# was restarted, or its role was changed.

sub ask {
    my ($self, @args) = @_;
    my $reply = eval { $self->command(@args) };

    return $reply if defined $reply;
    delete $self->{client};
    return $self->command(@args);
}


# The entries of a stream, oldest first: { entry => ID, fields => { }, names
# => [in their order] } each.

sub entries {
    my ($self, $stream, $id) = @_;
    my @entries;

    for my $row (@{$self->command('XRANGE', $stream, $id // '-', $id // '+')
                   || []})
    {
        my ($id, $pairs) = @$row;
        my @names = @$pairs[grep { $_ % 2 == 0 } 0 .. $#$pairs];

        push @entries, { entry => $id, fields => {@$pairs},
                         names => \@names };
    }

    return @entries;
}


# An orderly end; true when it came to that by itself.

sub stop {
    my ($self) = @_;
    my $process = $self->{process} or return 1;

    delete $self->{client};
    $self->resume() if $self->{paused};
    $process->signal('TERM');

    my $ok = $process->wait_group(15);
    $process->kill_group() unless $ok;
    delete $self->{process};

    return $ok;
}


# As by a crash; what is in memory is lost.

sub kill {
    my ($self) = @_;

    delete $self->{client};
    delete $self->{paused};
    $self->{process}->kill_group() if $self->{process};
    delete $self->{process};
}


sub restart {
    my ($self) = @_;

    $self->stop();
    return $self->start();
}


# Connections stay and nothing is answered, until resume().

sub pause {
    my ($self) = @_;
    my $pid = $self->{process}->pid();

    $self->{paused} = 1;
    $self->{process}->signal('STOP');
    wait_for {
        (Intake::File::slurp("/proc/$pid/stat") // '') =~ /\) T /
    };
}


sub resume {
    my ($self) = @_;

    delete $self->{paused};
    $self->{process}->signal('CONT');
}


1;
