package Intake::HTTP;

# Copyright (C) nginx-intake contributors

# An HTTP/1.1 client that says exactly what it is told, one byte at a time if
# need be.
#
#     my $http = Intake::HTTP->new(port => 8080);
#     my $res = $http->request('POST', '/', body => 'x',
#                              headers => ['X-A' => 1]);
#     $res->status, $res->header('Retry-After'), $res->json->{code}
#
# Options of a request: headers (a list of pairs, or a hash), body, chunked
# (a size, or a list of pieces), expect100, close (Connection: close), host,
# version.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(sleep time);

use Intake::HTTP::Response;
use Intake::Test::Valgrind;


sub new {
    my ($class, %opt) = @_;
    my $self = bless {
        host => '127.0.0.1', in => '',
        timeout => 15 * Intake::Test::Valgrind::patience(), %opt }, $class;

    $self->{socket} = IO::Socket::INET->new(
        Proto => 'tcp', PeerAddr => $self->{host}, PeerPort => $self->{port},
        Timeout => $self->{timeout})
        or die "connect to $self->{host}:$self->{port}: $!";

    $self->{socket}->blocking(0);
    $self->{select} = IO::Select->new($self->{socket});

    return $self;
}


sub request {
    my ($self, $method, $uri, %opt) = @_;

    $self->send($method, $uri, %opt);
    return $self->response($method);
}


# With expect100 the body waits for "100 Continue"; another answer keeps it.

sub send {
    my ($self, $method, $uri, %opt) = @_;
    my $head = head($method, $uri, %opt);
    my $body = encoded_body(%opt);

    return $self->write($head . $body) unless $opt{expect100};

    $self->write($head);
    my $res = $self->response($method);

    if ($res->status == 100) {
        $self->{continued} = 1;
        return $self->write($body);
    }

    $self->{early} = $res;
}


# Several requests in one write: [METHOD, URI, OPTIONS...] each.

sub pipeline {
    my ($self, @requests) = @_;
    my $bytes = '';

    for my $request (@requests) {
        my ($method, $uri, %opt) = @$request;
        $bytes .= head($method, $uri, %opt) . encoded_body(%opt);
    }

    $self->write($bytes);

    return map { $self->response($_->[0]) } @requests;
}


sub head {
    my ($method, $uri, %opt) = @_;
    my @headers = ref $opt{headers} eq 'HASH'
        ? map { $_ => $opt{headers}{$_} } sort keys %{$opt{headers}}
        : @{$opt{headers} || []};
    my %given;

    for (my $i = 0; $i < @headers; $i += 2) {
        $given{lc $headers[$i]} = 1;
    }

    unshift @headers, Host => $opt{host} // 'localhost' unless $given{host};
    push @headers, Connection => 'close' if $opt{close};
    push @headers, Expect => '100-continue' if $opt{expect100};

    if ($opt{chunked}) {
        push @headers, 'Transfer-Encoding' => 'chunked';

    } elsif (defined $opt{body} && !$given{'content-length'}) {
        push @headers, 'Content-Length' => length $opt{body};
    }

    my $head = "$method $uri HTTP/" . ($opt{version} // '1.1') . "\r\n";

    while (my ($name, $value) = splice @headers, 0, 2) {
        $head .= "$name: $value\r\n";
    }

    return "$head\r\n";
}


sub encoded_body {
    my (%opt) = @_;
    my $body = $opt{body} // '';

    return $body unless $opt{chunked};

    my @pieces = ref $opt{chunked} ? @{$opt{chunked}}
                                   : unpack "(a$opt{chunked})*", $body;

    return join '', map({ sprintf "%x\r\n%s\r\n", length, $_ }
                        grep { length } @pieces), "0\r\n\r\n";
}


# All of the bytes; false when the other side does not take them.

sub write {
    my ($self, $bytes) = @_;
    my $end = time() + $self->{timeout};
    local $SIG{PIPE} = 'IGNORE';

    while (length $bytes) {
        my $n = syswrite $self->{socket}, $bytes;

        if (defined $n) {
            substr($bytes, 0, $n) = '';
            next;
        }

        return 0 unless $!{EAGAIN} || $!{EINTR};
        return 0 if time() > $end;

        $self->{select}->can_write(0.1);
    }

    return 1;
}


# In pieces of `chunk` bytes (1), `delay` seconds (0.001) apart.

sub write_slowly {
    my ($self, $bytes, %opt) = @_;
    my $size = $opt{chunk} || 1;

    for my $piece (unpack "(a$size)*", $bytes) {
        return 0 unless $self->write($piece);
        sleep($opt{delay} // 0.001);
    }

    return 1;
}


# The next answer; its status is 0 when the connection ends or nothing comes.

sub response {
    my ($self, $method) = @_;

    if (my $res = delete $self->{early}) {
        return $res;
    }

    until ($self->{in} =~ /\r?\n\r?\n/) {
        $self->fill() or return Intake::HTTP::Response->new(
            status => 0, reason => 'no answer', complete => 0);
    }

    my $res = Intake::HTTP::Response->parse_head(\$self->{in});

    return $res if $res->status < 200;

    my $body = $self->body($res, $method || 'GET');
    $res->{complete} = defined $body;
    $res->{body} = $body // $self->{partial};

    return $res;
}


sub body {
    my ($self, $res, $method) = @_;

    $self->{partial} = '';

    return '' if $method eq 'HEAD' || $res->status =~ /^(204|304)$/;

    return $self->chunks()
        if ($res->header('transfer-encoding') // '') =~ /chunked/i;

    my $length = $res->header('content-length');

    if (defined $length) {
        if (!$self->need($length)) {
            $self->{partial} = $self->{in};
            return undef;
        }

        return substr $self->{in}, 0, $length, '';
    }

    1 while $self->fill();
    return substr $self->{in}, 0, length $self->{in}, '';
}


sub chunks {
    my ($self) = @_;

    while (1) {
        $self->fill() or return undef until $self->{in} =~ /\r\n/;
        $self->{in} =~ s/^([0-9a-fA-F]+)[^\r\n]*\r\n// or return undef;
        my $length = hex $1;

        $self->need($length + 2) or return undef;
        $self->{partial} .= substr $self->{in}, 0, $length, '';
        substr $self->{in}, 0, 2, '';

        return $self->{partial} if $length == 0;
    }
}


sub need {
    my ($self, $length) = @_;

    while (length $self->{in} < $length) {
        $self->fill() or return 0;
    }

    return 1;
}


# Reads once; false at the end, or when nothing came in time.

sub fill {
    my ($self, $timeout) = @_;

    $self->{select}->can_read($timeout // $self->{timeout}) or return 0;

    my $n = sysread $self->{socket}, $self->{in}, 65536, length $self->{in};

    return 1 if $n;
    return 1 if !defined $n && ($!{EAGAIN} || $!{EINTR});

    $self->{eof} = 1;
    return 0;
}


# True when the other side closes the connection within $timeout seconds.

sub closed {
    my ($self, $timeout) = @_;

    1 while !$self->{eof} && $self->fill($timeout);
    return $self->{eof} ? 1 : 0;
}


sub continued { $_[0]{continued} }
sub socket { $_[0]{socket} }
sub close { close $_[0]{socket} }


1;
