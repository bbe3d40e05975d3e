package Intake::Sign;

# Copyright (C) nginx-intake contributors

# The headers with which platforms sign a body, as a list of pairs:
#
#     $t->post('/hooks/github', $body, [sign_github($secret, $body)]);
#
# `time`, `id` and `event` may be given; by default it is now, a new id, and
# no event.

use strict;
use warnings;

use Digest::SHA;
use Exporter qw(import);
use JSON::PP;
use MIME::Base64 qw(encode_base64 decode_base64);

our @EXPORT = qw(base64url hmac jwt new_id crc_token sign_github sign_meta
                 sign_slack sign_standard sign_stripe sign_x);


# hmac('sha256', 'hex' | 'base64' | 'base64url' | 'raw', KEY, DATA)

sub hmac {
    my ($algorithm, $encoding, $key, $data) = @_;
    my $digest = Digest::SHA->can("hmac_$algorithm")->($data, $key);

    return $digest if $encoding eq 'raw';
    return unpack 'H*', $digest if $encoding eq 'hex';

    return base64url($digest) if $encoding eq 'base64url';
    return encode_base64($digest, '');
}


sub base64url {
    my ($bytes) = @_;
    return encode_base64($bytes, '') =~ tr{+/=}{-_}dr;
}


# A token: the sub gives the signature of a text.  The claims and the header
# are hashes, or texts as they are.

sub jwt {
    my ($sign, $claims, $header) = @_;
    my $json = JSON::PP->new->canonical;
    my $text = join '.', map {
        base64url(ref $_ ? $json->encode($_) : $_) } $header, $claims;

    return "$text." . base64url($sign->($text));
}


# A random UUID, version 4.

sub new_id {
    my @b = map { int rand 65536 } 1 .. 8;

    $b[3] = $b[3] & 0x0fff | 0x4000;
    $b[4] = $b[4] & 0x3fff | 0x8000;

    return sprintf '%04x%04x-%04x-%04x-%04x-%04x%04x%04x', @b;
}


sub sign_github {
    my ($secret, $body, %opt) = @_;

    return ('X-GitHub-Event' => $opt{event} // 'push',
            'X-GitHub-Delivery' => $opt{id} // new_id(),
            'X-Hub-Signature-256'
                => 'sha256=' . hmac('sha256', 'hex', $secret, $body));
}


# The app secret signs; Meta sends no id and no time in headers.

sub sign_meta {
    my ($secret, $body) = @_;

    return ('X-Hub-Signature-256'
                => 'sha256=' . hmac('sha256', 'hex', $secret, $body));
}


sub sign_stripe {
    my ($secret, $body, %opt) = @_;
    my $time = $opt{time} // time();

    return ('Stripe-Signature'
                => "t=$time,v1="
                   . hmac('sha256', 'hex', $secret, "$time.$body"));
}


sub sign_slack {
    my ($secret, $body, %opt) = @_;
    my $time = $opt{time} // time();

    return ('X-Slack-Request-Timestamp' => $time,
            'X-Slack-Signature'
                => 'v0=' . hmac('sha256', 'hex', $secret, "v0:$time:$body"));
}


sub sign_x {
    my ($secret, $body) = @_;

    return ('X-Twitter-Webhooks-Signature'
                => 'sha256=' . hmac('sha256', 'base64', $secret, $body));
}


# The answer that X expects to crc_token.

sub crc_token {
    my ($secret, $token) = @_;

    return 'sha256=' . hmac('sha256', 'base64', $secret, $token);
}


# Standard Webhooks; the secret is whsec_ and base64, or raw bytes.

sub sign_standard {
    my ($secret, $body, %opt) = @_;
    my $id = $opt{id} // 'msg_' . new_id();
    my $time = $opt{time} // time();
    my $key = $secret =~ /^whsec_(.*)$/s ? decode_base64($1) : $secret;

    return ('webhook-id' => $id,
            'webhook-timestamp' => $time,
            'webhook-signature'
                => 'v1,' . hmac('sha256', 'base64', $key,
                                "$id.$time.$body"));
}


1;
