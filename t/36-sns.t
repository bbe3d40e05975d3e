#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Amazon SNS: the fields that are signed, the two versions, certificates,
# topics, and what is stored of a confirmation.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Test::More;

use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis();
my $json = JSON::PP->new->canonical->utf8;

for my $name (qw(one two other)) {
    my $path = $t->path("$name.key");

    system("openssl req -new -newkey rsa:2048 -nodes -x509 -keyout $path"
           . " -subj /CN=sns.amazonaws.com -days 30 -out $path.crt 2>/dev/null")
        == 0 or BAIL_OUT('openssl');
    chmod 0600, "$path.crt";
}

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    include %%PLATFORMS%%;

    intake_redis {
        server %%REDIS%%;
    }

    intake_source sns {
        platform  amazon-sns;
        secret    file:one.key.crt id=one;
        secret    file:two.key.crt id=two;
        set       topic arn:aws:sns:us-west-2:123456789012:MyTopic;
    }
    intake_source topics {
        platform  amazon-sns;
        secret    file:one.key.crt;
        set       topic "arn:a arn:b";
    }
    intake_source any { platform amazon-sns; secret file:one.key.crt; }

    server {
        listen                    127.0.0.1:%%PORT_0%%;
        client_body_buffer_size   1m;

        location = /sns    { intake sns; }
        location = /topics { intake topics; }
        location = /any    { intake any; }

        location = /status { intake_status; }
    }
}

EOC

$t->run();


my %signed = (
    Notification => [qw(Message MessageId Subject Timestamp TopicArn Type)],
    map { $_ => [qw(Message MessageId SubscribeURL Timestamp Token TopicArn
                    Type)] }
        qw(SubscriptionConfirmation UnsubscribeConfirmation),
);

my $region = 'https://sns.us-west-2.amazonaws.com';
my $count = 0;


sub message {
    my (%change) = @_;
    my $type = $change{Type} // 'Notification';
    my %message = (
        Type => $type, MessageId => 'id-' . ++$count,
        TopicArn => 'arn:aws:sns:us-west-2:123456789012:MyTopic',
        Message => 'Hello world!', Timestamp => '2012-05-02T00:54:06.655Z',
        SignatureVersion => '2',
        SigningCertURL => "$region/SimpleNotificationService-f3ecfb72.pem",
        $type eq 'Notification'
            ? (Subject => 'My First Message',
               UnsubscribeURL => "$region/?Action=Unsubscribe")
            : (Token => '2336412f37', SubscribeURL => "$region/?Action=x"),
        %change);

    delete $message{$_} for grep { !defined $message{$_} } keys %message;
    return \%message;
}


sub sign {
    my ($message, $key, $fields) = @_;
    my $digest = ($message->{SignatureVersion} // '') eq '1' ? 'sha1'
                                                             : 'sha256';
    my $text = join '', map { "$_\n$message->{$_}\n" }
               grep { defined $message->{$_} }
               @{$fields // $signed{$message->{Type} // ''} // []};

    utf8::encode($text);
    my $file = $t->write_file('message', $text);
    my $path = $t->path(($key // 'one') . '.key');

    return { %$message, Signature =>
        encode_base64(scalar qx(openssl dgst -$digest -sign $path $file), '') };
}


sub said {
    my ($message, $uri) = @_;
    my $body = ref $message ? $json->encode($message) : $message;
    my $res = $t->post($uri // '/sns', $body,
                       ['Content-Type' => 'text/plain; charset=UTF-8']);

    return $res->status . ' ' . ($res->status == 200 ? 'OK'
                                                     : $res->json->{code});
}


my $mismatch = '401 SIGNATURE_MISMATCH';


subtest 'notifications' => sub {
    is(said(sign(message())), '200 OK', 'version 2');
    is(said(sign(message(SignatureVersion => '1'))), '200 OK', 'version 1');
    is(said(sign(message(Subject => undef))), '200 OK', 'without a subject');
    is(said(sign(message(Subject => ''))), '200 OK', 'with an empty one');
    is(said(sign(message(), 'two')), '200 OK', 'the second certificate');
    is(said(sign(message(Message => "two\nlines \"\x{e9}\x{1f600}\" \\ / \t"))),
       '200 OK', 'decoded strings are signed');
    is(said(sign(message(MessageAttributes => { a => { Type => 'String',
                                                       Value => 'Type' } }))),
       '200 OK', 'fields of the same names inside of another');

    my @entries = $redis->entries('intake:{sns}');

    is_deeply([map { $_->{fields}{intakekeyid} } @entries],
              [qw(one one one one two one one)],
              'the certificate that matched');

    my %fields = %{$entries[0]{fields}};

    is($fields{id}, 'id-1', 'id');
    is($fields{intakekey}, 's:id-1', 'which is signed');
    is($fields{type}, 'com.amazonaws.sns.Notification', 'type');
    is($fields{intakeverify}, 'ok', 'verified');
    is($fields{time}, $fields{recordedtime}, 'the time is ours');

    my $again = sign(message());
    my $raw = $json->encode($again) =~ s/Hello/\\u0048ello/r;

    is(said($raw), '200 OK', 'an escape that means the same');
    is(said($again), '200 OK', 'a copy');
    is(scalar $redis->entries('intake:{sns}'), 8, 'is a duplicate');
};


subtest 'confirmations' => sub {
    my @before = $redis->entries('intake:{sns}');

    for my $type (qw(SubscriptionConfirmation UnsubscribeConfirmation)) {
        is(said(sign(message(Type => $type))), '200 OK', $type);

        my ($entry) = reverse $redis->entries('intake:{sns}');

        is($entry->{fields}{type}, "com.amazonaws.sns.$type", 'its type');
        like($entry->{fields}{data}, qr/"SubscribeURL":"\Q$region\E/,
             'its URL is for who reads');
        is(said({ %{sign(message(Type => $type))}, $_ => "$region/x" }),
           $mismatch, "another $_")
            for 'SubscribeURL', 'Token';
        is(said(sign(message(Type => $type, $_ => undef))), $mismatch,
           "without $_")
            for 'SubscribeURL', 'Token';
    }

    is(scalar $redis->entries('intake:{sns}'), @before + 2, 'both are stored');
    like($t->get('/status?format=prometheus&source=sns')->body,
         qr/intake_requests_total\{source="sns",outcome="stored"\} 10\n/,
         'and counted so');
};


subtest 'what is signed' => sub {
    my %other = (Type => 'SubscriptionConfirmation', SignatureVersion => '1',
                 Subject => 'y', Message => 'y', MessageId => 'y',
                 Timestamp => 'y', TopicArn => 'y', Signature => 'AAAA');

    for my $field (sort keys %other) {
        is(said({ %{sign(message())}, $field => $other{$field} }), $mismatch,
           "another $field");

        my $message = sign(message());
        delete $message->{$field};
        is(said($message), $field eq 'Signature' ? '401 SIGNATURE_MISSING'
                                                 : $mismatch,
           "without $field");
        is(said({ %{sign(message())}, $field => { a => 1 } }),
           $field eq 'Signature' ? '401 SIGNATURE_MISSING' : $mismatch,
           "$field is no text");
    }

    for my $field (qw(Message MessageId Timestamp TopicArn)) {
        is(said(sign(message($field => undef))), $mismatch,
           "signed without $field");
    }

    # the same bytes, cut into fields in another way

    my $moved = sign(message());
    $moved->{MessageId} .= "\nSubject\n" . delete $moved->{Subject};
    is(said($moved), $mismatch, 'a subject that is a part of the id');

    is(said(sign(message(), 'other')), $mismatch, 'another certificate');
    is(said(sign(message(Type => $_), 'one', $signed{Notification})),
       $mismatch, "type $_")
        for 'notification', 'Notification2', 'Other', '';

    my $message = sign(message());

    is(said({ %$message, SignatureVersion => $_ }), $mismatch, "version $_")
        for '', '0', '3', '22', '02';
    is(said($json->encode($message) =~ s/"SignatureVersion":"2"/
       "SignatureVersion":2/xr), '200 OK', 'a version that is a number');

    for ('', ' ', '=', '!', substr($message->{Signature}, 1),
         "$message->{Signature}=", "$message->{Signature}\n")
    {
        is(said({ %$message, Signature => $_ }),
           $_ eq '' ? '401 SIGNATURE_MISSING' : $mismatch,
           'a signature of ' . length() . ' characters');
    }
};


subtest 'where the certificate is said to be' => sub {
    my $with = sub { said(sign(message(SigningCertURL => $_[0]))) };

    is($with->($_), '200 OK', $_)
        for 'https://sns.us-gov-west-1.amazonaws.com/x.pem',
            'https://sns.cn-north-1.amazonaws.com.cn/x.pem',
            'https://sns.a.amazonaws.com/';
    is($with->($_), $mismatch, $_)
        for '', 'https://localhost:56789/cert.pem',
            'http://sns.us-west-2.amazonaws.com/x.pem',
            'https://sns.amazonaws.com/x.pem',
            'https://sns..amazonaws.com/x.pem',
            'https://sns.us-west-2.amazonaws.com',
            'https://sns.us-west-2.amazonaws.com.example.com/x.pem',
            'https://sns.us-west-2.amazonaws.com.cnx/x.pem',
            'https://sns.us-west-2.amazonaws.com:443/x.pem',
            'https://sns.us-west-2.amazonaws.com@example.com/x.pem',
            'https://sns.example.com/.amazonaws.com/x.pem',
            'https://sns.a.b.amazonaws.com/x.pem',
            'https://sns.US.amazonaws.com/x.pem',
            'https://sqs.us-west-2.amazonaws.com/x.pem',
            ' https://sns.us-west-2.amazonaws.com/x.pem',
            'https://example.com/?https://sns.us-west-2.amazonaws.com/';
    is($with->(undef), $mismatch, 'none');
};


subtest 'topics' => sub {
    my $credentials = '401 CREDENTIALS';
    my $with = sub { said(sign(message(TopicArn => $_[0])), $_[1]) };

    is($with->('arn:aws:sns:us-west-2:123456789012:MyTopic2'), $credentials,
       'another');
    is($with->('arn:aws:sns:us-west-2:123456789012:MyTopi'), $credentials,
       'a part');
    is($with->('', '/sns'), $credentials, 'an empty one');
    is($with->("arn:$_", '/topics'), '200 OK', "one of several: $_")
        for 'a', 'b';
    is($with->($_, '/topics'), $credentials, "not of them: $_")
        for 'arn:c', 'arn:a arn:b';
    is($with->('arn:z', '/any'), '200 OK', 'anybody\'s');
    like($t->log(), qr/\[warn\].* no "set topic" in intake_source "any": /,
         'there is a warning');
    unlike($t->log(), qr/no "set topic" in intake_source "(?!any)/,
           'of that one only');
};


subtest 'bodies' => sub {
    is(said($_), '400 MALFORMED', "'$_'")
        for '', 'raw delivery', '{"Signature":"AAAA"', '[' x 600;
    is(said($_), '401 SIGNATURE_MISSING', "'$_'")
        for '{}', '[]', '"x"', 'null', '{"Signature":null}';
    is(said('{"Signature":"AAAA"}'), $mismatch, 'a signature alone');
    is(said(sign(message(Message => 'x' x 262144))), '200 OK', '256 KB');

    my $text = $json->encode(sign(message()));

    is(said($text =~ s/^\{/{"Message":"first",/r), '200 OK',
       'the last of equal names counts');
    is(said($text =~ s/\}$/,"Message":"last"}/r), $mismatch,
       'and is what must be signed');
};


# What nginx says of a configuration.

sub checked {
    my ($platform, $secret, $more) = @_;
    my ($code, $output) = $t->test_config(<<"EOC");
%%TEST_GLOBALS%%
events {
}
http {
    %%TEST_HTTP%%
    intake_platform p {
        algorithm sns; $platform
    }
    intake_source s { platform p; secret $secret; set topic t; }
}
EOC

    return $code unless $code;
    return $output =~ /\[emerg\] (.*?) in \S+:\d+$/m ? $1 : $output;
}


subtest 'configuration' => sub {
    my $file = 'file:one.key.crt';

    is(checked('id json:MessageId;', $file), 0, 'a certificate');
    is(checked($_->[1], $file), "\"$_->[0]\" in intake_platform \"p\" has no "
       . 'effect with "algorithm sns", leave it out', $_->[0])
        for ['signature', 'signature header:A;'], ['signed', 'signed $body;'],
            ['timestamp', 'timestamp json:Timestamp unit=rfc3339;'],
            ['key', 'key encoding=hex;'], ['claim', 'claim a b;'],
            ['body_digest', 'body_digest header:A;'];

    $t->write_file('key', 'x' x 100, 0600);
    is(checked('', 'file:key'), '"secret" of intake_source "s": is not a '
       . 'public key', 'no certificate');
};


$t->finish();
