package Intake::Form;

# Copyright (C) nginx-intake contributors

# Submissions of forms, and what became of them.
#
#     my $forms = Intake::Form->new(t => $t, redis => $redis);
#
#     my $res = $forms->post('/contact', [name => 'Ann', message => 'Hello']);
#     my $row = $forms->filed('contact', $res);
#     is($row->{stream}, 'main'); is($row->{fields}{intakespam}, undef);
#
# A post looks like that of a browser's script on the same site; `headers`, a
# list of pairs, replaces those of the same names, and undef leaves one out.

use strict;
use warnings;


sub new {
    my ($class, %opt) = @_;
    return bless { %opt }, $class;
}


sub headers {
    my ($self, @given) = @_;
    my %replaced;

    for (my $i = 0; $i < @given; $i += 2) {
        $replaced{lc $given[$i]} = 1;
    }

    my @all = @given;
    my @usual = (
        'Host' => 'localhost',
        'User-Agent' => 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0)',
        'Accept' => 'application/json',
        'Accept-Language' => 'en',
        'Origin' => 'http://localhost',
        'Sec-Fetch-Site' => 'same-origin',
        'Sec-Fetch-Mode' => 'cors',
        'Content-Type' => 'application/x-www-form-urlencoded');

    while (my ($name, $value) = splice @usual, 0, 2) {
        push @all, $name => $value unless $replaced{lc $name};
    }

    my @sent;

    while (my ($name, $value) = splice @all, 0, 2) {
        push @sent, $name => $value if defined $value;
    }

    return \@sent;
}


sub encoded {
    my ($fields) = @_;
    my (@pairs, @copy) = ();

    @copy = @$fields;

    while (my ($name, $value) = splice @copy, 0, 2) {
        push @pairs, join '=', map {
            s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger } $name, $value;
    }

    return join '&', @pairs;
}


sub post {
    my ($self, $uri, $fields, %opt) = @_;
    my $headers = $self->headers(@{delete $opt{headers} || []});

    return $self->{t}->post($uri, encoded($fields), $headers, %opt);
}


# The same without waiting for the answer; it is read with response().

sub send {
    my ($self, $uri, $fields, %opt) = @_;
    my $http = $self->{t}->http();

    $http->send('POST', $uri, body => encoded($fields), close => 1,
                headers => $self->headers(@{$opt{headers} || []}));

    return $http;
}


# The newest entry of a source: `stream` is main or spam, `fields` its fields.
# Nothing new since the last call: undef.

sub filed {
    my ($self, $source) = @_;

    for my $stream ('main', 'spam') {
        my $key = "intake:{$source}" . ($stream eq 'spam' ? ':spam' : '');
        my @rows = $self->{redis}->entries($key);
        my $seen = $self->{seen}{$key} // 0;

        next if @rows <= $seen;

        $self->{seen}{$key} = @rows;
        return { %{$rows[-1]}, stream => $stream };
    }

    return undef;
}


1;
