package Intake::Page;

# Copyright (C) nginx-intake contributors

# A page of ours, read as strictly as XML is:
#
#     my $page = Intake::Page->parse($res->body);
#     is($page->title, 'Error: The form has errors');
#
# parse() dies when an element is left open, or when a "<", ">" or "&" stands
# there as itself: what a visitor wrote has then been taken for markup.

use strict;
use warnings;

my %void = map { $_ => 1 } qw(meta br);
my %plain = (lt => '<', gt => '>', amp => '&', quot => '"');


sub parse {
    my ($class, $text) = @_;
    my $self = bless { elements => [] }, $class;
    my @open;

    $text =~ s/\A<!DOCTYPE html>\n// or die 'no doctype';

    while ($text =~ /\G(?:([^<>]+)|<(\/?)([a-z0-9]+)([^<>]*)>|(.))/gsc) {
        my ($words, $end, $name, $attributes, $stray) = ($1, $2, $3, $4, $5);

        die 'a stray ' . substr($text, pos($text) - 1, 30) if defined $stray;

        if (defined $words) {
            $words = decode($words);
            $_->{text} .= $words for @open;
            die "text in nothing: $words" if !@open && $words =~ /\S/;

        } elsif ($end) {
            die "</$name> closes nothing"
                unless @open && $open[-1]{name} eq $name;
            pop @open;

        } else {
            my $element = { name => $name, text => '',
                            parent => @open ? $open[-1]{name} : '',
                            attributes($attributes) };

            push @{$self->{elements}}, $element;
            push @open, $element unless $void{$name};
        }
    }

    die "<$open[-1]{name}> is left open" if @open;

    return $self;
}


sub attributes {
    my ($text) = @_;
    my %attributes;

    while ($text =~ s/\A ([a-z-]+)(?:="([^"]*)")?//) {
        $attributes{"-$1"} = decode($2 // '');
    }

    die "attributes '$text'" if $text ne '';

    return %attributes;
}


sub decode {
    my ($text) = @_;

    $text =~ s/&(?:(lt|gt|amp|quot);|)/
              $1 ? $plain{$1} : die 'a stray &: ' . substr $text, 0, 60/ge;

    return $text;
}


# The elements of a name, in their order.

sub all {
    my ($self, $name) = @_;
    return grep { $_->{name} eq $name } @{$self->{elements}};
}


sub words { map { $_->{text} } $_[0]->all($_[1]) }
sub title { ($_[0]->words('title'))[0] }


# { LABEL => text that is given back }

sub given_back {
    my ($self) = @_;
    my %labels = map { $_->{'-for'} => $_->{text} } $self->all('label');

    # the first line end belongs to the element

    return { map { $labels{$_->{'-id'}} => $_->{text} =~ s/\A\n//r }
             $self->all('textarea') };
}


# What is wrong with it as a page: [] if nothing.

sub faults {
    my ($self, $error) = @_;
    my ($html) = $self->all('html');
    my @faults;

    push @faults, 'lang' unless ($html->{'-lang'} // '') eq 'en';
    push @faults, 'charset'
        unless grep { ($_->{'-charset'} // '') eq 'utf-8' }
                    $self->all('meta');
    push @faults, 'viewport'
        unless grep { ($_->{'-name'} // '') eq 'viewport' }
                    $self->all('meta');
    push @faults, 'title' unless $self->all('title') == 1
        && ($error ? 1 : 0) == ($self->title =~ /^Error: / ? 1 : 0);
    push @faults, 'h1' unless $self->all('h1') == 1;
    push @faults, 'main' unless $self->all('main') == 1;
    push @faults, $_->{name}
        for grep { $_->{name} =~ /^(script|img|link|iframe|form|base)$/
                   || grep { /^-on|^-src$|^-style$/ } keys %$_ }
                 @{$self->{elements}};

    for my $area ($self->all('textarea')) {
        push @faults, 'textarea' unless exists $area->{'-readonly'};
        push @faults, 'label'
            unless 1 == grep { $_->{'-for'} eq $area->{'-id'} }
                             $self->all('label');
    }

    return \@faults;
}


1;
