package Intake::Spool;

# Copyright (C) nginx-intake contributors

# An nginx with a spool in the folder `spool` of a test, and what lies there.
#
#     my $d = spool_deliveries($t, $redis, source => 'deadline 1s;');
#     $d->deliver('a');
#     ok(spool_empty($t));
#
# /status, /redis and /spool are the status with other words of `health`;
# outcome.log has $intake_outcome, $intake_id, $intake_entry, $intake_reason
# and $intake_store_time of each delivery.

use strict;
use warnings;

use Exporter qw(import);

use Intake::Deliveries;

our @EXPORT = qw(spool_conf spool_deliveries spool_dump spool_empty
                 spool_files spool_of spool_records start_with);


# Options are those of delivery_conf(), and `size` (max_size).

sub spool_conf {
    my (%opt) = @_;
    my $size = $opt{size} // '1g';
    my ($http, $server) = map { $_ // '' } @opt{qw(http server)};

    return delivery_conf(redis => 'server %%REDIS%%;', %opt, http => <<"EOC",
    intake_spool %%DIR%%/spool max_size=$size;
    log_format outcome '\$intake_outcome \$intake_id \$intake_entry '
                       '\$intake_reason \$intake_store_time';
    $http
EOC
        server => <<"EOC");
        access_log %%DIR%%/outcome.log outcome if=\$intake_source;
        location = /redis { intake_status health=redis; }
        location = /spool { intake_status health=spool; }
        $server
EOC
}


sub spool_deliveries {
    my ($t, $redis, %opt) = @_;

    $t->write_file_expand('nginx.conf', spool_conf(%opt));
    push @{$t->{redis}}, $redis;
    $t->run(%{$opt{run} || {}});

    return Intake::Deliveries->new(t => $t, redis => $redis);
}


# The paths of the files whose names end so; all of them without an ending.

sub spool_files {
    my ($t, $end) = @_;
    my $dir = $t->dir() . '/spool';

    opendir my $dh, $dir or return;

    return map { "$dir/$_" }
           sort grep { !/^\./ && (!defined $end || /\.$end$/) } readdir $dh;
}


# What t/spool-dump prints of them, together.

sub spool_dump {
    my ($t, $end) = @_;
    my @files = spool_files($t, $end) or return '';

    return scalar qx($^X $Intake::Test::root/t/spool-dump @files);
}


# The records of the segments: { fields => { }, head => 'source=a kind=k ...' }

sub spool_records {
    my ($t) = @_;
    my @records;

    for my $line (split /\n/, spool_dump($t, 'seg')) {
        if ($line =~ /^record at=\d+ size=\d+ arrival=\S+ (.*)/) {
            push @records, { head => $1, fields => {} };

        } elsif ($line =~ /^    (\w+): (.*)/) {
            $records[-1]{fields}{$1} = $2;
        }
    }

    return @records;
}


sub spool_empty {
    my ($t, $timeout) = @_;
    return $t->wait_for(sub { !spool_files($t) }, $timeout // 20);
}


# node.spool of the status

sub spool_of {
    my ($t) = @_;
    return $t->get('/status?format=json')->json->{node}{spool};
}


# Redis is there, and the command is its first: the replay does not come before.

sub start_with {
    my ($t, $redis, @command) = @_;
    my @workers = $t->worker_pids();

    kill 'STOP', @workers;
    $redis->start();
    $redis->command(@command);
    kill 'CONT', @workers;
}


1;
