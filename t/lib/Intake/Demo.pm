package Intake::Demo;

# Copyright (C) nginx-intake contributors

# The site of `make run` on a test's nginx: port 0 serves it, port 1 its
# status.
#
#     my $demo = Intake::Demo->new($t);
#     $demo->conf(sub { s/burst=\d+/burst=1000/gr });
#     $t->run();

use strict;
use warnings;

use Intake::File;
use Intake::Test;


sub new {
    my ($class, $t) = @_;
    my $self = bless { t => $t }, $class;
    my $root = Intake::Test->root();

    $self->{text} = Intake::File::slurp("$root/conf/demo/nginx.conf");
    mkdir $t->dir() . '/tmp';

    # what conf/run puts there

    my %files = map { $_ => 1 } $self->{text} =~ m{file:\@DIR\@/([\w.]+)}g;

    $t->write_file($_, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", 0600)
        for sort keys %files;

    return $self;
}


# Writes nginx.conf, changed by the sub, which gets and returns the text.

sub conf {
    my ($self, $change) = @_;
    my $t = $self->{t};
    my ($dir, $root) = ($t->dir(), Intake::Test->root());
    my $text = $self->{text};

    # modules and processes are the test's

    $text =~ s/\A.*?(?=^events )/%%TEST_GLOBALS%%\nworker_processes 2;\n/ms;
    $text =~ s/\@TOP\@/$root/g;
    $text =~ s/\@DIR\@/$dir/g;
    $text =~ s/\@PORT\@/%%PORT_0%%/g;
    $text =~ s/\@STATUS_PORT\@/%%PORT_1%%/g;

    if ($change) {
        local $_ = $text;
        $text = $change->();
    }

    return $t->write_file_expand('nginx.conf', $text);
}


# The lines of the log of deliveries that match.

sub logged {
    my ($self, $pattern) = @_;
    my $log = Intake::File::slurp($self->{t}->dir() . '/intake.log') // '';

    return grep { $_ =~ $pattern } split /\n/, $log;
}


1;
