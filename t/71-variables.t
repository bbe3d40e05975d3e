#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The variables in log_format, for every way a delivery can end.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::Sign;
use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis();
my @variables = qw(source outcome reason id entry type conversation
                   store_time);

$t->write_file_expand('nginx.conf',
    <<'EOC' =~ s/VARIABLES/join ' ', map { "\$intake_$_" } @variables/er);
%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    log_format  intake  "VARIABLES";

    intake_redis {
        server   %%REDIS%%;
        timeout  2s;
    }

    intake_platform signed {
        algorithm  hmac-sha256;
        signature  header:X-Signature;
        signed     "${header:X-Id}.$body";
        id         header:X-Id;
        type       header:X-Type as=com.example.;
        message    inbound conversation=json:thread;
        challenge  GET query:echo -> 200 text/plain "${query:echo}";
    }

    intake_source first {
        platform  signed;
        secret    s3cret;
        max_body  4k;
    }

    limit_req_zone  $intake_source  zone=sources:64k  rate=1r/m;

    server {
        listen      127.0.0.1:%%PORT_0%%;
        access_log  %%DIR%%/intake.log  intake;

        location = /hooks { intake first; }
        location = /limited { intake first; limit_req zone=sources;
                              limit_req_status 429; }
        location = /refused { intake first; deny all; }
        location = /other { return 200 "x"; }
        location = /status { intake_status; access_log off; }
    }
}
EOC

$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');

my $lines = 0;


# the values that the next line of the log has

sub logged {
    my @log;

    $t->wait_for(sub {
        @log = split /\n/, Intake::File::slurp($t->path('intake.log'))
                           // '';
        return @log > $lines;
    });

    my %value;
    @value{@variables} = split / /, $log[$lines++] // '', -1;

    return \%value;
}


sub deliver {
    my ($id, $body, %opt) = @_;

    return $t->post($opt{uri} // '/hooks', $body,
        ['X-Id' => $id, 'X-Type' => $opt{type} // 'made',
         'X-Signature' => $opt{signature}
                          // hmac('sha256', 'hex', 's3cret', "$id.$body")]);
}


my $body = '{"thread":"t1"}';
my $none = { map { $_ => '-' } @variables };
my $seconds = qr/^\d+\.\d{3}$/;

my $res = deliver('event-1', $body);
my $entry = $res->json->{entry};
my $value = logged();

is($res->status, 200, 'stored');
like(delete $value->{store_time}, $seconds, 'stored: store_time');
is_deeply($value, { source => 'first', outcome => 'stored', reason => '-',
                    id => 'event-1', entry => $entry,
                    type => 'com.example.made', conversation => 't1' },
          'stored: logged');

$res = deliver('event-1', $body);
$value = logged();

is($res->status, 200, 'duplicate');
like(delete $value->{store_time}, $seconds, 'duplicate: store_time');
is_deeply($value, { source => 'first', outcome => 'duplicate', reason => '-',
                    id => 'event-1', entry => $entry,
                    type => 'com.example.made', conversation => 't1' },
          'duplicate: logged');

is(deliver('event-2', $body, signature => 'ab' x 32)->status, 401,
   'rejected');
is_deeply(logged(), { %$none, source => 'first', outcome => 'rejected',
                      reason => 'SIGNATURE_MISMATCH' }, 'rejected: logged');

is($t->get('/hooks?echo=hello')->body, 'hello', 'challenge');
is_deeply(logged(), { %$none, source => 'first', outcome => 'challenge' },
          'challenge: logged');

is($t->get('/other')->status, 200, 'not ours');
is_deeply(logged(), $none, 'not ours: logged');

is($t->post('/refused', $body)->status, 403, "nginx's own 403");
is_deeply(logged(), { %$none, source => 'first', outcome => 'rejected',
                      reason => 'FORBIDDEN' }, "nginx's own 403: logged");

is($t->post('/hooks', 'x' x 5000)->status, 413, 'too large');
is_deeply(logged(), { %$none, source => 'first', outcome => 'rejected',
                      reason => 'TOO_LARGE' }, 'too large: logged');


# the source is known before the delivery is

is(deliver('event-3', $body, uri => '/limited')->status, 200, 'within');
is(logged()->{outcome}, 'stored', 'within: logged');
is(deliver('event-4', $body, uri => '/limited')->status, 429, 'limited');
is_deeply(logged(), { %$none, source => 'first', outcome => 'rejected',
                      reason => 'RATE_LIMITED' }, 'limited: logged');


# what a sender wrote is cut and escaped

deliver('event-6', '{"thread":"a\"b\u00e9"}', type => 'x' x 512);
$value = logged();
is($value->{type}, substr('com.example.' . 'x' x 512, 0, 512), 'cut');
is($value->{conversation}, 'a\\x22b\\xC3\\xA9', 'escaped');


$redis->kill();
ok($t->wait_for(sub { $t->get('/status?health')->status == 503 }), 'no Redis');

is(deliver('event-5', $body)->status, 503, 'unavailable');
$value = logged();
is($value->{outcome}, 'unavailable', 'unavailable: outcome');
is($value->{reason}, 'STORE_UNAVAILABLE', 'unavailable: reason');
is($value->{source}, 'first', 'unavailable: source');
is($value->{id}, 'event-5', 'unavailable: id');
is($value->{entry}, '-', 'unavailable: no entry');
is($value->{store_time}, '-', 'unavailable: no answer of Redis');


$t->finish();
