package Intake::Test::Valgrind;

# Copyright (C) nginx-intake contributors

# nginx under valgrind, when INTAKE_VALGRIND names a folder, into which the
# reports go, too; what INTAKE_NGINX names is then a static nginx without
# sanitizers (make memcheck).
#
# Everything there takes several times longer: patience() is what waiting is
# multiplied by.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Copy qw(copy);


my $on = $ENV{INTAKE_VALGRIND};
my $suppressions = abs_path(dirname(__FILE__) . '/../../..')
                   . '/valgrind.supp';
my $argv;


sub on { $on }
sub patience { $on ? 6 : 1 }


# What runs a program whose reports go to files in $dir.  Quiet, it writes
# nothing else.  `nginx -t` runs without it: there are hundreds of those.

sub command {
    my ($dir) = @_;

    return unless $on;
    return (qw(valgrind --quiet --trace-children=yes --vgdb=no
               --num-callers=24 --show-leak-kinds=definite
               --errors-for-leak-kinds=definite --fair-sched=yes),
            '--leak-check=full', "--suppressions=$suppressions",
            "--log-file=$dir/valgrind.%p");
}


# The reports of all processes but those in the list, one each.

sub reports {
    my ($dir, @but) = @_;
    my %but = map { ("$dir/valgrind.$_" => 1) } @but;
    my @reports;

    for my $path (grep { !$but{$_} } glob "$dir/valgrind.*") {
        open my $fh, '<', $path or next;
        local $/;
        push @reports, split /^==\d+== \n/m, <$fh> // '';
        copy($path, "$on/" . basename($0) . '-' . basename($path)) if -s $path;
    }

    return @reports;
}


# valgrind's own command line is what /proc shows; the title that nginx gives
# itself is where its ngx_os_argv points to.

sub title {
    my ($pid) = @_;

    $argv //= qx(nm '$ENV{INTAKE_NGINX}') =~ /^(\w+) . ngx_os_argv$/m
              ? hex $1 : 0;

    my $title = '';
    open my $mem, '<:raw', "/proc/$pid/mem" or return;

    for my $at (pointer($mem, pointer($mem, $argv))) {
        sysseek $mem, $at || return, 0 or return;
        sysread $mem, $title, 64 or return;
    }

    return $title =~ /^(nginx: [^\0]*)/ ? $1 : undef;
}


sub pointer {
    my ($mem, $at) = @_;
    my $bytes;

    return 0 unless $at && sysseek $mem, $at, 0;
    return 0 unless (sysread($mem, $bytes, 8) // 0) == 8;
    return unpack 'Q', $bytes;
}


1;
