package Intake::Platforms::Signing;

# Copyright (C) nginx-intake contributors

# Ways to sign that several platforms share.  Each is, or returns, a sub that
# is called with the request $r and returns the headers that sign it; see
# Intake::Platforms::Table.

use strict;
use warnings;

use Digest::MD5 qw(md5 md5_hex);
use Exporter qw(import);
use MIME::Base64 qw(decode_base64 encode_base64);
use POSIX qw(strftime);

use Intake::Sign;

our @EXPORT = qw(basic bearer body hmac_md5_hex params rfc3339 standard
                 standard_v1a url_and_form vonage zendesk);


# HEADER: PREFIX and the HMAC of the body.

sub body {
    my ($header, $algorithm, $encoding, $prefix) = @_;

    return sub {
        my ($r) = @_;
        return $header => ($prefix // '')
               . hmac($algorithm, $encoding, $r->{secret}, $r->{body});
    };
}


# Standard Webhooks, with the names of headers as given.

sub standard {
    my ($name) = @_;

    return sub {
        my ($r) = @_;
        my $id = 'msg_' . new_id();
        my $key = decode_base64($r->{secret} =~ s/^whsec_//r);

        return ("$name-id" => $id, "$name-timestamp" => $r->{time},
                "$name-signature" => 'v1,bm9uZQ== v1,'
                    . hmac('sha256', 'base64', $key,
                           "$id.$r->{time}.$r->{body}"));
    };
}


sub standard_v1a {
    my ($name) = @_;

    return sub {
        my ($r) = @_;
        my $id = 'msg_' . new_id();

        return ("$name-id" => $id, "$name-timestamp" => $r->{time},
                "$name-signature" => 'v1,bm9uZQ== v1a,' . encode_base64(
                    $r->{openssl}->("$id.$r->{time}.$r->{body}"), ''));
    };
}


sub bearer {
    my ($r) = @_;
    return Authorization => "Bearer $r->{secret}";
}


sub basic {
    my ($r) = @_;
    return Authorization => 'Basic ' . encode_base64($r->{secret}, '');
}


# The parameters of a form or query as they came, decoded.

sub params {
    my ($text) = @_;

    return map {
        my ($name, $value) = map {
            (my $part = $_ // '') =~ tr/+/ /;
            $part =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger;
        } (split(/=/, $_, 2))[0, 1];
        [$name, $value];
    } split /&/, $text;
}


sub form_sorted {
    my %seen;

    return join '', map { "$_->[0]$_->[1]" } grep { !$seen{"@$_"}++ }
           sort { $a->[0] cmp $b->[0] || $a->[1] cmp $b->[1] } params($_[0]);
}


sub url_and_form {
    my ($header) = @_;

    return sub {
        my ($r) = @_;
        return $header => hmac('sha1', 'base64', $r->{secret},
                               $r->{url} . form_sorted($r->{body}));
    };
}


sub hmac_md5_hex {
    my ($key, $data) = @_;

    $key = md5($key) if length $key > 64;
    $key .= "\0" x (64 - length $key);

    return md5_hex(($key ^ "\x5c" x 64) . md5(($key ^ "\x36" x 64) . $data));
}


# Vonage appends its signature to the form, or to the query of a GET.

sub vonage {
    my ($digest) = @_;

    return sub {
        my ($r) = @_;
        my $where = $r->{method} eq 'GET' ? \$r->{uri} : \$r->{body};
        my ($list) = $$where =~ /([^?]*)\z/;
        my $text = join '', map { "&$_->[0]=" . $_->[1] =~ tr/&=/_/r }
                   sort { $a->[0] cmp $b->[0] } params($list);

        $$where .= '&sig=' . $digest->($r->{secret}, $text);
        return ();
    };
}


sub rfc3339 {
    my ($time, $fraction) = @_;
    return strftime('%Y-%m-%dT%H:%M:%S', gmtime $time) . ($fraction // '')
           . 'Z';
}


sub zendesk {
    my ($r) = @_;
    my $time = rfc3339($r->{time});
    my $name = 'X-Zendesk-Webhook-Signature';

    return ("$name-Timestamp" => $time,
            $name => hmac('sha256', 'base64', $r->{secret},
                          "$time$r->{body}"));
}


1;
