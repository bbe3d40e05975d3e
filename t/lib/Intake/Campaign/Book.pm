package Intake::Campaign::Book;

# Copyright (C) nginx-intake contributors

# What the clients of a campaign were told, read from their files while they
# write them, and whether it was true.
#
#     my $book = Intake::Campaign::Book->new(files => ['/path/client-1']);
#     $book->read();
#     $book->acknowledged();
#     $book->look($redis_server, 'intake:{a}');
#     $book->spooled(@ids);
#     my ($lost, $twice, $wrong) = $book->verdict();

use strict;
use warnings;

use Intake::Campaign::Client;

# the next entries of a stream: ENTRY, id, data of each
my $script = <<'EOS';
local reply = {}

for _, row in ipairs(redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', 500))
do
    local fields = {}

    for i = 1, #row[2], 2 do
        fields[row[2][i]] = row[2][i + 1]
    end

    reply[#reply + 1] = row[1]
    reply[#reply + 1] = fields.id
    reply[#reply + 1] = fields.data
end

return reply
EOS


sub new {
    my ($class, %opt) = @_;
    return bless {
        %opt, at => {}, entry => {}, status => {}, there => {},
        spooled => {}, twice => [], wrong => [], without_entry => 0,
        duplicates => 0 }, $class;
}


# Whole lines only.

sub read {
    my ($self) = @_;

    for my $path (@{$self->{files}}) {
        open my $fh, '<', $path or next;
        seek $fh, $self->{at}{$path} // 0, 0;

        while (my $line = <$fh>) {
            last unless $line =~ s/\n\z//;
            $self->{at}{$path} += length($line) + 1;
            $self->note(split / /, $line);
        }
    }
}


sub note {
    my ($self, $status, $id, $entry, $duplicate) = @_;

    $self->{status}{$status}++;
    push @{$self->{wrong}}, "$id was answered with another id"
        if $status eq '?';
    return if $status ne '200';

    $self->{duplicates}++ if $duplicate;

    if ($entry eq '-') {
        $self->{without_entry}++;
        $self->{entry}{$id} //= '';
        return;
    }

    my $told = $self->{entry}{$id} || $entry;

    push @{$self->{wrong}}, "$id was told to be $told, then $entry"
        if $told ne $entry;
    $self->{entry}{$id} = $entry;
}


# How many deliveries were acknowledged, each counted once.

sub acknowledged { scalar keys %{$_[0]{entry}} }


# Answers with a status.

sub answers {
    my ($self, $status) = @_;
    return $self->{status}{$status} // 0;
}


# Those with neither 200 nor 503.

sub others {
    my ($self) = @_;
    my $status = $self->{status};
    my $n = 0;

    $n += $status->{$_} for grep { !/^(?:200|503|0|-)$/ } keys %$status;
    return $n;
}


# Takes in all entries of a stream.

sub look {
    my ($self, $redis, $stream) = @_;
    my $from = '-';

    while (1) {
        my @rows = @{$redis->command('EVAL', $script, 1, $stream, $from)};
        last unless @rows;

        while (my ($entry, $id, $data) = splice @rows, 0, 3) {
            $self->found($id, $entry, $data);
            $from = "($entry";
        }
    }
}


sub found {
    my ($self, $id, $entry, $data) = @_;

    push @{$self->{twice}}, "$id is at $self->{there}{$id} and at $entry"
        if $self->{there}{$id};
    push @{$self->{wrong}}, "$id has another body"
        if $data ne Intake::Campaign::Client::body($id);
    $self->{there}{$id} = $entry;
}


sub spooled {
    my ($self, @ids) = @_;
    $self->{spooled}{$_} = 1 for @ids;
}


sub stored { scalar keys %{$_[0]{there}} }


# Lists of sentences: what was acknowledged and is not there, what is there
# twice, and what is wrong otherwise.

sub verdict {
    my ($self) = @_;
    my (@lost, @wrong);

    for my $id (sort keys %{$self->{entry}}) {
        my $told = $self->{entry}{$id};
        my $entry = $self->{there}{$id};

        if (!defined $entry) {
            push @lost, "$id was acknowledged" . ($told && " as $told")
                if !$self->{spooled}{$id} || $told;

        } elsif ($told && $told ne $entry) {
            push @wrong, "$id was told to be $told, and is at $entry";
        }
    }

    return (\@lost, $self->{twice}, [@{$self->{wrong}}, @wrong]);
}


1;
