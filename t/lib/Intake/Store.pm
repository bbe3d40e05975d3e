package Intake::Store;

# Copyright (C) nginx-intake contributors

# The store script as its caller sees it: the keys and arguments of a call,
# and the entry that a delivery becomes.
#
#     my @deliveries = ({ kind => 'u', keys => ["u:$h", "h:$h"],
#         own => "o:$h", id => $id, recordedtime => $time, data => $body });
#     my $reply = $client->command('EVALSHA', $sha,
#         store_args({ stream => 'intake:{a}', window => 1000 },
#                    @deliveries));
#
# keys and own are named as after "STREAM:dedupe:".

use strict;
use warnings;

use Digest::SHA qw(sha256_base64);
use Exporter qw(import);

our @EXPORT_OK = qw(script store_script store_args store_keys entry_fields
                    dedupe_key dedupe_hash $time $uuid7);


# recordedtime, and ids that are not the sender's

our $time = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
our $uuid7 = qr/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}
                -[0-9a-f]{12}$/x;


my @arguments = qw(id type time datacontenttype subject recordedtime
                   intakekey intakeverify intakekeyid intakeip intakeheaders
                   intakespam intakefiles data);

my @fields = qw(specversion id source type time datacontenttype subject
                recordedtime intakeversion intakekey intakedup intakeverify
                intakekeyid intakeip intakeheaders intakespam intakefiles
                data);

my %defaults = (maxlen => 0, age => 0, window => 3600000, ttl => 3600000,
                own_ttl => 600000, nonce_ttl => 600000,
                on_duplicate => 'drop', durable => 0, replayed => 0,
                source => '/test');


# The text of a script of src/redis/scripts as config makes it: the parts that
# its comment names, then the script, without comments and empty lines.

sub script {
    my ($name) = @_;
    my $dir = __FILE__ =~ s{t/lib/Intake/Store\.pm$}{}r . 'src/redis/scripts';
    my $read = sub {
        open my $fh, '<:raw', "$dir/$_[0]" or die "$dir/$_[0]: $!\n";
        local $/;
        return scalar <$fh>;
    };
    my $text = $read->("$name.lua");
    my @parts = ($text =~ /^-- Parts:(.*)$/m ? split ' ', $1 : ());

    return join '', map { s/^ *--.*\n|^\n//gmr }
                    (map { $read->("parts/$_.lua") } @parts), $text;
}


sub store_script { script('store') }


# H of a value, and KIND:H

sub dedupe_hash { substr sha256_base64($_[0]) =~ tr{+/}{-_}r, 0, 22 }


sub dedupe_key {
    my ($kind, $value) = @_;
    return "$kind:" . dedupe_hash($value);
}


# the names of the keys that a delivery has in a call

sub store_keys {
    my ($call, $d) = @_;

    return map { "$call->{stream}:dedupe:$_" } @{$d->{keys}},
        ($call->{on_duplicate} // '') eq 'mark' && $d->{kind} ne 'o'
            ? $d->{own} : ();
}


# what follows the digest or the text of the script in EVALSHA or EVAL

sub store_args {
    my ($call, @deliveries) = @_;
    my @keys = ($call->{stream}, map { store_keys($call, $_) } @deliveries);

    return (scalar @keys, @keys,
            (map { $call->{$_} // $defaults{$_} }
             qw(maxlen age window ttl own_ttl nonce_ttl on_duplicate durable
                replayed source)),
            map { ($_->{kind}, map { $_ // '' } @$_{@arguments}) }
            @deliveries);
}


# names and values, in order; $first is the entry that it repeats, or undef

sub entry_fields {
    my ($call, $d, $first) = @_;
    my %value = (%$d, specversion => '1.0', intakeversion => '1',
                 source => $call->{source} // $defaults{source},
                 intakedup => $first);

    return map { ($_, $value{$_} // '') }
           grep { $_ eq 'data' || ($value{$_} // '') ne '' } @fields;
}


1;
