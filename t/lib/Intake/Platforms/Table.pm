package Intake::Platforms::Table;

# Copyright (C) nginx-intake contributors

# One table of facts: how each platform of conf/intake/platforms.conf signs,
# what an entry says of its delivery, and its handshakes.
#
# A row:
#
#     sign        returns the headers that sign $r, or changes $r itself.  $r
#                 has secret, time (s), method, uri, url, body
#     secret      text ("s3cret"), or [KEY, FORM] of a key pair, see key()
#     conf        more lines of the source
#     body, form  what is sent; form: as a form
#     method, headers, query
#     type, id    what the entry says; id: undef if it is one of ours
#     stale       seconds; the time is signed, and that old is too old
#     loose       a sub that changes $r where the signature sees it, because
#                 the body is not covered
#     tampered    a sub that changes what is signed, where a space behind the
#                 body would not
#     changed     the code of a delivery that is tampered with, if another
#     again       what a second copy is: drop (default), mark, or none for
#                 another entry
#     answer      [status, type, body], if it is not ours
#     unsigned    the code of a delivery without signature
#     handshakes  [{ name, method, query, body, headers, signed, status, type,
#                 answer, given => { header => value } }]; with code in place
#                 of an answer it is refused

use strict;
use warnings;

use Compress::Raw::Zlib qw(crc32);
use Digest::MD5 qw(md5_hex);
use Digest::SHA qw(sha1_hex sha256_hex);
use JSON::PP;
use MIME::Base64 qw(decode_base64 encode_base64);

use Intake::Platforms::Signing;
use Intake::Sign;


my $form = 'application/x-www-form-urlencoded';
my $topic = 'https://www.youtube.com/xml/feeds/videos.xml?channel_id=C1';


# What a row of Vonage's is like.

sub vonage_row {
    my ($digest) = @_;

    return (
        sign => vonage($digest), form => 1,
        body => 'msisdn=447700900001&to=447700900000&messageId=0A01'
                . '&text=a%26b%3Dc+d&type=text&message-timestamp='
                . '2026-03-02+09%3A00%3A00&timestamp=1772442000&nonce=n',
        tampered => sub { $_[0]{body} =~ s/text=a/text=b/ },
        type => 'com.vonage.sms.text', id => '0A01:2026-03-02 09:00:00',
    );
}


our %rows = (

    # social networks

    meta => {
        sign => body('X-Hub-Signature-256', 'sha256', 'hex', 'sha256='),
        conf => 'verify_token token;',
        body => '{"object":"page","entry":[{"id":"1","time":2,"messaging":'
                . '[{"sender":{"id":"3"},"recipient":{"id":"1"},"timestamp":'
                . '1772442000000,"message":{"mid":"m1","text":"x"}}]}]}',
        type => 'com.facebook.page', id => 'm1',
        handshakes => [
            { name => 'subscribe', method => 'GET',
              query => 'hub.mode=subscribe&hub.challenge=1158201444'
                       . '&hub.verify_token=token',
              status => 200, type => 'text/plain', answer => '1158201444' },
            { name => 'another token', method => 'GET',
              query => 'hub.mode=subscribe&hub.challenge=1158201444'
                       . '&hub.verify_token=nekot',
              status => 403, code => 'CHALLENGE_REFUSED' },
        ],
    },

    x => {
        sign => body('X-Twitter-Webhooks-Signature', 'sha256', 'base64',
                     'sha256='),
        body => '{"for_user_id":"1","direct_message_events":[{"type":'
                . '"message_create","id":"d1","created_timestamp":'
                . '"1772442000000","message_create":{"sender_id":"2"}}]}',
        type => 'com.x.message_create', id => 'd1',
        handshakes => [
            { name => 'CRC', method => 'GET', query => 'crc_token=9b45-07b3',
              status => 200, type => 'application/json',
              answer => '{"response_token":"'
                        . crc_token('s3cret', '9b45-07b3') . '"}' },
        ],
    },

    linkedin => {
        sign => sub {
            my ($r) = @_;
            return 'X-LI-Signature' => hmac('sha256', 'hex', $r->{secret},
                                            "hmacsha256=$r->{body}");
        },
        body => '{"type":"ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS",'
                . '"notifications":[{"notificationId":77,"action":"LIKE"}]}',
        type => 'com.linkedin.ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS',
        id => '77',
        handshakes => [
            { name => 'challengeCode', method => 'GET',
              query => 'applicationId=1&challengeCode=890e4665-4dfe',
              status => 200, type => 'application/json',
              answer => '{"challengeCode":"890e4665-4dfe",'
                        . '"challengeResponse":"'
                        . hmac('sha256', 'hex', 's3cret', '890e4665-4dfe')
                        . '"}' },
            { name => 'no token', method => 'GET',
              query => 'challengeCode=hmacsha256%3D%7B%7D',
              status => 403, code => 'CHALLENGE_REFUSED' },
        ],
    },

    'youtube-websub' => {
        sign => body('X-Hub-Signature', 'sha1', 'hex', 'sha1='),
        conf => "verify_token \"$topic\";",
        body => '<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015">'
                . '<entry><yt:videoId>V1</yt:videoId><updated>'
                . '2026-03-02T09:00:00+00:00</updated></entry></feed>',
        type => 'com.youtube.event', id => 'V1:2026-03-02T09:00:00+00:00',
        handshakes => websub(),
    },

    websub => {
        sign => body('X-Hub-Signature', 'sha256', 'hex', 'sha256='),
        conf => "verify_token \"$topic\";",
        body => '<feed xmlns="http://www.w3.org/2005/Atom"><entry/></feed>',
        type => 'org.w3.websub.event',
        handshakes => websub(),
    },

    tiktok => {
        sign => sub {
            my ($r) = @_;
            return 'TikTok-Signature' => "t=$r->{time},s="
                . hmac('sha256', 'hex', $r->{secret},
                       "$r->{time}.$r->{body}");
        },
        body => '{"client_key":"k","event":"authorization.removed",'
                . '"content":"{\"reason\":1}"}',
        type => 'com.tiktok.authorization.removed', stale => 330,
    },

    'tiktok-shop' => {
        sign => sub {
            my ($r) = @_;
            return Authorization => hmac('sha256', 'hex', $r->{secret},
                                         "k3y$r->{body}");
        },
        conf => 'set app_key k3y;',
        body => '{"type":1,"tts_notification_id":"73","shop_id":"7"}',
        type => 'com.tiktokshop.1', id => '73',
    },

    douyin => {
        sign => sub {
            my ($r) = @_;
            return ('X-Douyin-Signature' => sha1_hex("$r->{secret}$r->{body}"),
                    'Msg-Id' => 'm7');
        },
        body => '{"event":"im_receive_msg","client_key":"k"}',
        type => 'com.douyin.im_receive_msg', id => 'm7',
        handshakes => [
            { name => 'verify_webhook', signed => 1,
              body => '{"event":"verify_webhook","client_key":"",'
                      . '"content":{"challenge":12345}}',
              status => 200, type => 'application/json',
              answer => '{"challenge":12345}' },
        ],
    },

    twitch => {
        sign => sub {
            my ($r) = @_;
            my $id = 'e76c6bd4';
            my $time = rfc3339($r->{time}, '.634234626');

            return ('Twitch-Eventsub-Message-Id' => $id,
                    'Twitch-Eventsub-Message-Timestamp' => $time,
                    'Twitch-Eventsub-Message-Signature' => 'sha256='
                    . hmac('sha256', 'hex', $r->{secret},
                           "$id$time$r->{body}"));
        },
        headers => ['Twitch-Eventsub-Message-Type' => 'notification'],
        body => '{"subscription":{"id":"f1","type":"channel.follow"}}',
        type => 'tv.twitch.channel.follow', id => 'e76c6bd4', stale => 630,
        handshakes => [
            { name => 'callback', signed => 1,
              headers => ['Twitch-Eventsub-Message-Type'
                          => 'webhook_callback_verification'],
              body => '{"challenge":"pogchamp-\u006bappa","subscription":{}}',
              status => 200, type => 'text/plain',
              answer => 'pogchamp-kappa' },
        ],
    },

    # messaging

    slack => {
        sign => sub {
            my ($r) = @_;
            return sign_slack($r->{secret}, $r->{body}, time => $r->{time});
        },
        body => '{"type":"event_callback","event_id":"Ev1",'
                . '"event":{"type":"message"}}',
        type => 'com.slack.message', id => 'Ev1', stale => 330,
        handshakes => [
            { name => 'url_verification', signed => 1,
              body => '{"type":"url_verification","challenge":"3eZb"}',
              status => 200, type => 'text/plain', answer => '3eZb' },
        ],
    },

    discord => {
        sign => sub {
            my ($r) = @_;
            return ('X-Signature-Timestamp' => $r->{time},
                    'X-Signature-Ed25519' => unpack('H*', $r->{openssl}->(
                        "$r->{time}$r->{body}")));
        },
        secret => [qw(ed25519 hex)],
        body => '{"version":1,"application_id":"5","type":1,"event":'
                . '{"type":"ENTITLEMENT_CREATE","data":{}}}',
        type => 'com.discord.ENTITLEMENT_CREATE', stale => 330,
        answer => [204, 'application/json', ''],
        handshakes => [
            { name => 'PING of interactions', signed => 1,
              body => '{"application_id":"5","id":"6","token":"t","type":1,'
                      . '"version":1}',
              status => 200, type => 'application/json',
              answer => '{"type":1}' },
            { name => 'PING of webhook events', signed => 1,
              body => '{"version":1,"application_id":"5","type":0}',
              status => 204, type => 'application/json', answer => '' },
        ],
    },

    telegram => {
        sign => sub { ('X-Telegram-Bot-Api-Secret-Token' => $_[0]{secret}) },
        loose => sub { s/^/x/ for $_[0]{headers}[1] },
        body => '{"update_id":174114370,"message":{"message_id":41}}',
        type => 'org.telegram.event', id => '174114370',
    },

    line => {
        sign => body('x-line-signature', 'sha256', 'base64'),
        body => '{"destination":"U0","events":[{"type":"message",'
                . '"webhookEventId":"01H"},{"type":"follow",'
                . '"webhookEventId":"02H"}]}',
        type => 'me.line.message', id => '01H',
    },

    viber => {
        sign => body('X-Viber-Content-Signature', 'sha256', 'hex'),
        body => '{"event":"delivered","message_token":4912661846655238145}',
        type => 'com.viber.delivered', id => '4912661846655238145',
        handshakes => [
            { name => 'set_webhook', signed => 1,
              body => '{"event":"webhook","message_token":241256543215}',
              status => 200, type => 'text/plain', answer => '' },
        ],
    },

    wechat => {
        sign => sub {
            my ($r) = @_;
            my $signature = sha1_hex(join '', sort $r->{secret}, $r->{time},
                                     'n0nce');
            my $query = "signature=$signature&timestamp=$r->{time}"
                        . '&nonce=n0nce';

            $r->{uri} .= ($r->{uri} =~ /\?/ ? '&' : '?') . $query;
            return ();
        },
        loose => sub { $_[0]{uri} =~ s/n0nce/nonce/ },
        body => '<xml><MsgType>text</MsgType><MsgId>1</MsgId></xml>',
        type => 'com.weixin.text', id => '1', stale => 330,
        answer => [200, 'text/plain', 'success'],
        handshakes => [
            { name => 'echostr', method => 'GET', signed => 1,
              query => 'echostr=4375120948345356249',
              status => 200, type => 'text/plain',
              answer => '4375120948345356249' },
        ],
    },

    'teams-outgoing' => {
        sign => sub {
            my ($r) = @_;
            return Authorization => 'HMAC ' . hmac('sha256', 'base64',
                decode_base64($r->{secret}), $r->{body});
        },
        secret => encode_base64('a key of Teams', ''),
        body => '{"type":"message","id":"1485983408511","text":"hello"}',
        type => 'com.microsoft.teams.message', id => '1485983408511',
        answer => [200, 'application/json',
            '{"type":"message","text":"Your message has been received."}'],
    },

    'microsoft-graph' => {
        sign => sub {
            my ($r) = @_;
            $r->{body} =~ s/"clientState":"\K[^"]*/$r->{secret}/g;
            return ();
        },
        body => '{"value":[{"id":"lsg","changeType":"created",'
                . '"clientState":""},{"id":"lsh","changeType":"updated",'
                . '"clientState":""}]}',
        loose => sub {
            $_[0]{body} =~ s/.*"clientState":"\Ks3cret/t3rces/;
        },
        type => 'com.microsoft.graph.created', id => 'lsg', again => 'mark',
        handshakes => [
            { name => 'validationToken',
              query => 'validationToken=Validation%3A%20a%2Bb+%3Cc%3E',
              status => 200, type => 'text/plain',
              answer => 'Validation: a+b <c>' },
        ],
    },

    twilio => {
        sign => url_and_form('X-Twilio-Signature'), form => 1,
        query => 'foo=1&bar=2',
        body => 'SmsStatus=received&MessageSid=SM1&From=%2B1555&To=%2B1556'
                . '&Body=a+b%26c&ToCity=',
        tampered => sub { $_[0]{body} =~ s/1556/1557/ },
        type => 'com.twilio.received', id => 'SM1',
        answer => [200, 'text/xml', '<Response></Response>'],
    },

    'vonage-sms' => {
        vonage_row(sub { md5_hex("$_[1]$_[0]") }),
    },

    'vonage-sms-md5' => {
        vonage_row(\&hmac_md5_hex),
    },

    (map {
        my $algorithm = $_;
        "vonage-sms-$algorithm" => {
            vonage_row(sub { hmac($algorithm, 'hex', @_) }),
            method => $algorithm eq 'sha256' ? 'GET' : 'POST',
            $algorithm eq 'sha256'
                ? (query => 'msisdn=1&to=2&messageId=0A02&status=delivered'
                            . '&message-timestamp=x&timestamp=1772442000',
                   body => undef, form => 0,
                   tampered => sub { $_[0]{uri} =~ s/to=2/to=3/ },
                   type => 'com.vonage.sms.delivered', id => '0A02:x')
                : (),
        }
    } qw(sha1 sha256 sha512)),

    # help desks

    zendesk => {
        sign => \&zendesk,
        body => '{"id":"01HZ","type":"zen:event-type:ticket.created",'
                . '"detail":{"id":"5158"}}',
        type => 'com.zendesk.zen:event-type:ticket.created', id => '01HZ',
        stale => 330,
    },

    'zendesk-trigger' => {
        sign => \&zendesk,
        body => '{"ticket":"5158","status":"open"}',
        type => 'com.zendesk.trigger.event', stale => 330, again => 'none',
    },

    intercom => {
        sign => body('X-Hub-Signature', 'sha1', 'hex', 'sha1='),
        body => '{"id":"notif_8","topic":"contact.created"}',
        type => 'com.intercom.contact.created', id => 'notif_8',
    },

    freshdesk => {
        sign => \&basic, secret => 'user:s3cret',
        loose => sub { $_[0]{headers}[1] =~ s/Basic ./Basic A/ },
        body => '{"ticket":"1"}', type => 'com.freshdesk.event',
        unsigned => 'CREDENTIALS', again => 'none',
    },

    freshchat => {
        sign => sub {
            my ($r) = @_;
            return 'X-Freshchat-Signature'
                => encode_base64($r->{openssl}->($r->{body}), '');
        },
        secret => [qw(rsa pem-rsa)],
        body => '{"action":"message_create","data":{"message":{"id":"7a"}}}',
        type => 'com.freshchat.message_create', id => '7a',
    },

    hubspot => {
        sign => sub {
            my ($r) = @_;
            my $time = $r->{time} * 1000;
            my $url = $r->{url} =~ s/%3A/:/r;

            return ('X-HubSpot-Request-Timestamp' => $time,
                    'X-HubSpot-Signature-v3'
                    => hmac('sha256', 'base64', $r->{secret},
                            "$r->{method}$url$r->{body}$time"));
        },
        query => 'a=b%3Ac',
        body => '[{"eventId":100,"subscriptionType":"contact.creation"}]',
        type => 'com.hubspot.contact.creation', id => '100', stale => 330,
        again => 'mark',
    },

    'hubspot-v1' => {
        sign => sub {
            my ($r) = @_;
            return 'X-HubSpot-Signature'
                => sha256_hex("$r->{secret}$r->{body}");
        },
        body => '[{"eventId":100,"subscriptionType":"contact.creation"}]',
        type => 'com.hubspot.contact.creation', id => '100',
        again => 'mark',
    },

    'hubspot-v2' => {
        sign => sub {
            my ($r) = @_;
            return 'X-HubSpot-Signature' => sha256_hex(
                "$r->{secret}$r->{method}$r->{url}$r->{body}");
        },
        query => 'a=b%3Ac',
        body => '{"vid":1}',
        type => 'com.hubspot.event', again => 'mark',
    },

    front => {
        sign => sub {
            my ($r) = @_;
            my $time = $r->{time} * 1000;

            return ('X-Front-Request-Timestamp' => $time,
                    'X-Front-Signature'
                    => hmac('sha256', 'base64', $r->{secret},
                            "$time:$r->{body}"));
        },
        body => '{"type":"inbound_received","payload":{"id":"evt_1"}}',
        type => 'com.frontapp.inbound_received', id => 'evt_1', stale => 330,
        handshakes => [
            { name => 'sync', signed => 1,
              headers => ['X-Front-Challenge' => 'Th1s"Is'],
              body => '{"type":"sync","authorization":{"id":"cmp_abc"}}',
              status => 200, type => 'application/json',
              answer => '{"challenge":"Th1s\"Is"}' },
        ],
    },

    'front-rule' => {
        sign => body('X-Front-Signature', 'sha1', 'base64'),
        body => '{"id":"evt_2","type":"inbound"}',
        type => 'com.frontapp.inbound', id => 'evt_2',
    },

    helpscout => {
        sign => body('X-HelpScout-Signature', 'sha1', 'base64'),
        headers => ['X-HelpScout-Event' => 'convo.created'],
        body => '{"id":1,"number":2}', type => 'com.helpscout.convo.created',
        again => 'mark',
    },

    chatwoot => {
        sign => sub {
            my ($r) = @_;
            return ('X-Chatwoot-Timestamp' => $r->{time},
                    'X-Chatwoot-Delivery' => 'd-7',
                    'X-Chatwoot-Signature' => 'sha256='
                    . hmac('sha256', 'hex', $r->{secret},
                           "$r->{time}.$r->{body}"));
        },
        body => '{"event":"message_created","id":1}',
        type => 'com.chatwoot.message_created', id => 'd-7', stale => 330,
    },

    gorgias => {
        sign => \&bearer,
        loose => sub { $_[0]{headers}[1] .= 'x' },
        body => '{"ticket":1}', type => 'com.gorgias.event', again => 'none',
    },

    # code and projects

    github => {
        sign => body('X-Hub-Signature-256', 'sha256', 'hex', 'sha256='),
        headers => ['X-GitHub-Event' => 'push', 'X-GitHub-Delivery' => 'g-1'],
        body => '{"ref":"refs/heads/main"}',
        type => 'com.github.push', id => 'g-1', again => 'mark',
    },

    gitlab => {
        sign => sub { ('X-Gitlab-Token' => $_[0]{secret}) },
        loose => sub { $_[0]{headers}[1] .= 'x' },
        headers => ['X-Gitlab-Event' => 'Note Hook',
                    'Idempotency-Key' => 'f5e5f430'],
        body => '{"object_kind":"push"}',
        type => 'com.gitlab.Note Hook', id => 'f5e5f430',
    },

    'gitlab-signed' => {
        sign => standard('webhook'),
        headers => ['X-Gitlab-Event' => 'Note Hook'],
        secret => 'whsec_' . encode_base64('thirty-two bytes of a good key!!',
                                           ''),
        body => '{"object_kind":"push"}',
        type => 'com.gitlab.Note Hook', id => qr/^msg_/, stale => 330,
    },

    bitbucket => {
        sign => body('X-Hub-Signature', 'sha256', 'hex', 'sha256='),
        headers => ['X-Event-Key' => 'repo:push', 'X-Request-UUID' => 'c1'],
        body => '{"push":{}}', type => 'org.bitbucket.repo:push', id => 'c1',
    },

    'bitbucket-server' => {
        sign => body('X-Hub-Signature', 'sha256', 'hex', 'sha256='),
        headers => ['X-Event-Key' => 'repo:modified', 'X-Request-Id' => 'c2'],
        body => '{"eventKey":"repo:modified"}',
        type => 'com.atlassian.bitbucket.repo:modified', id => 'c2',
    },

    gitea => {
        sign => body('X-Gitea-Signature', 'sha256', 'hex'),
        headers => ['X-Gitea-Event' => 'fork', 'X-Gitea-Delivery' => 'd1'],
        body => '{"forkee":{}}', type => 'com.gitea.fork', id => 'd1',
        again => 'mark',
    },

    'gitea-form' => {
        sign => sub {
            my ($r) = @_;
            my ($payload) = map { $_->[1] } params($r->{body});
            return 'X-Gitea-Signature' => hmac('sha256', 'hex', $r->{secret},
                                               $payload);
        },
        form => 1, tampered => sub { $_[0]{body} =~ s/fork/work/ },
        headers => ['X-Gitea-Event' => 'fork', 'X-Gitea-Delivery' => 'd1'],
        body => 'payload=%7B%22forkee%22%3A+1%7D',
        type => 'com.gitea.fork', id => 'd1', again => 'mark',
    },

    gogs => {
        sign => body('X-Gogs-Signature', 'sha256', 'hex'),
        headers => ['X-Gogs-Event' => 'create', 'X-Gogs-Delivery' => 'f6'],
        body => '{"ref":"x"}', type => 'io.gogs.create', id => 'f6',
        again => 'mark',
    },

    jira => {
        sign => body('X-Hub-Signature', 'sha256', 'hex', 'sha256='),
        headers => ['X-Atlassian-Webhook-Identifier' => 'j1'],
        body => '{"webhookEvent":"jira:issue_updated"}',
        type => 'com.atlassian.jira:issue_updated', id => 'j1',
    },

    linear => {
        sign => sub {
            my ($r) = @_;
            my $time = $r->{time} * 1000;

            $r->{body} =~ s/"webhookTimestamp":\K\d+/$time/;
            return 'Linear-Signature' => hmac('sha256', 'hex', $r->{secret},
                                              $r->{body});
        },
        headers => ['Linear-Event' => 'Comment', 'Linear-Delivery' => '23'],
        body => '{"action":"create","type":"Comment","webhookTimestamp":0}',
        type => 'app.linear.Comment', id => '23', stale => 90,
    },

    sentry => {
        sign => body('Sentry-Hook-Signature', 'sha256', 'hex'),
        headers => ['Sentry-Hook-Resource' => 'issue', 'Request-ID' => '2a'],
        body => '{"action":"created"}', type => 'io.sentry.issue', id => '2a',
    },

    trello => {
        sign => sub {
            my ($r) = @_;
            return 'X-Trello-Webhook' => hmac('sha1', 'base64', $r->{secret},
                "$r->{body}https://example.com/trello");
        },
        conf => 'set callback_url https://example.com/trello;',
        body => '{"action":{"id":"a1","type":"updateCard"}}',
        type => 'com.trello.updateCard', id => 'a1',
        handshakes => [
            { name => 'HEAD', method => 'HEAD', status => 200, type => '',
              answer => '' },
        ],
    },

    # shops and payments

    stripe => {
        sign => sub {
            my ($r) = @_;
            return sign_stripe($r->{secret}, $r->{body}, time => $r->{time});
        },
        secret => 'whsec_used_whole',
        body => '{"id":"evt_1","type":"customer.created"}',
        type => 'com.stripe.customer.created', id => 'evt_1', stale => 330,
    },

    shopify => {
        sign => body('X-Shopify-Hmac-SHA256', 'sha256', 'base64'),
        headers => ['X-Shopify-Topic' => 'orders/create',
                    'X-Shopify-Webhook-Id' => 'b5'],
        body => '{"id":820982911946154508}',
        type => 'com.shopify.orders/create', id => 'b5', again => 'mark',
    },

    woocommerce => {
        sign => body('X-WC-Webhook-Signature', 'sha256', 'base64'),
        headers => ['X-WC-Webhook-Topic' => 'order.updated',
                    'X-WC-Webhook-Delivery-ID' => 'w1'],
        body => '{"id":123}', type => 'com.woocommerce.order.updated',
        id => 'w1', again => 'mark',
        handshakes => [
            { name => 'ping', headers => ['Content-Type' => $form],
              body => 'webhook_id=7', status => 200, type => 'text/plain',
              answer => '' },
        ],
    },

    paypal => {
        sign => sub {
            my ($r) = @_;
            my $time = rfc3339($r->{time});

            return ('PAYPAL-TRANSMISSION-ID' => '103e',
                    'PAYPAL-TRANSMISSION-TIME' => $time,
                    'PAYPAL-TRANSMISSION-SIG' => encode_base64(
                        $r->{openssl}->("103e|$time|4JH8|"
                                        . crc32($r->{body})), ''));
        },
        secret => [qw(rsa certificate)], conf => 'set webhook_id 4JH8;',
        body => '{"id":"WH-2","event_type":"PAYMENT.SALE.COMPLETED"}',
        type => 'com.paypal.PAYMENT.SALE.COMPLETED', id => 'WH-2',
    },

    square => {
        sign => sub {
            my ($r) = @_;
            return 'x-square-hmacsha256-signature'
                => hmac('sha256', 'base64', $r->{secret},
                        "$r->{url}$r->{body}");
        },
        body => '{"event_id":"ac3a","type":"payment.created"}',
        type => 'com.squareup.payment.created', id => 'ac3a',
    },

    paddle => {
        sign => sub {
            my ($r) = @_;
            return 'Paddle-Signature' => "ts=$r->{time};h1="
                . hmac('sha256', 'hex', $r->{secret},
                       "$r->{time}:$r->{body}");
        },
        body => '{"event_id":"evt_01","event_type":"transaction.paid"}',
        type => 'com.paddle.transaction.paid', id => 'evt_01', stale => 30,
    },

    recharge => {
        sign => sub {
            my ($r) = @_;
            return 'X-Recharge-Hmac-Sha256'
                => sha256_hex("$r->{secret}$r->{body}");
        },
        headers => ['X-Recharge-Topic' => 'charge/paid'],
        body => '{"charge":{"id":1}}', type => 'com.getrecharge.charge/paid',
        again => 'mark',
    },

    # mail

    mailgun => {
        sign => sub {
            my ($r) = @_;
            my $signature = hmac('sha256', 'hex', $r->{secret},
                                 "$r->{time}t0ken");

            $r->{body} =~ s/^\{/{"signature":{"timestamp":"$r->{time}",/;
            $r->{body} =~ s/("timestamp":"\d+",)/$1"token":"t0ken",/;
            $r->{body} =~ s/("t0ken",)/$1"signature":"$signature"},/;
            return ();
        },
        loose => sub { $_[0]{body} =~ s/t0ken/token/ },
        body => '{"event-data":{"id":"DACS","event":"opened"}}',
        type => 'com.mailgun.opened', id => 'DACS',
    },

    'sendgrid-events' => {
        sign => sub {
            my ($r) = @_;
            my $name = 'X-Twilio-Email-Event-Webhook-';

            return ("${name}Timestamp" => $r->{time},
                    "${name}Signature" => encode_base64(
                        $r->{openssl}->("$r->{time}$r->{body}"), ''));
        },
        secret => [qw(ec base64)],
        body => "[{\"sg_event_id\":\"ZHJv\",\"event\":\"dropped\"}]\r\n",
        type => 'com.sendgrid.dropped', id => 'ZHJv',
    },

    'sendgrid-parse' => {
        sign => \&basic, secret => 'user:s3cret',
        loose => sub { $_[0]{headers}[1] =~ s/Basic ./Basic A/ },
        headers => ['Content-Type' => 'multipart/form-data; boundary=x'],
        body => "--x\r\nContent-Disposition: form-data; name=\"subject\"\r\n"
                . "\r\nhi\r\n--x--\r\n",
        type => 'com.sendgrid.parse.event', unsigned => 'CREDENTIALS',
    },

    postmark => {
        sign => \&basic, secret => 'user:s3cret',
        loose => sub { $_[0]{headers}[1] =~ s/Basic ./Basic A/ },
        body => '{"RecordType":"Bounce","MessageID":"883953f4"}',
        type => 'com.postmarkapp.Bounce', id => '883953f4',
        unsigned => 'CREDENTIALS',
    },

    mailchimp => {
        sign => sub {
            my ($r) = @_;
            $r->{uri} .= "?code=$r->{secret}";
            return ();
        },
        loose => sub { $_[0]{uri} .= 'x' }, form => 1,
        body => 'type=subscribe&data%5Bid%5D=8a25ff1d98',
        type => 'com.mailchimp.subscribe', again => 'none',
        handshakes => [
            { name => 'GET', method => 'GET', signed => 1, status => 200,
              type => 'text/plain', answer => '' },
        ],
    },

    mandrill => {
        sign => url_and_form('X-Mandrill-Signature'), form => 1,
        body => 'mandrill_events=%5B%7B%22event%22%3A%22send%22%2C%22_id%22'
                . '%3A%22e1%22%7D%5D',
        tampered => sub { $_[0]{body} =~ s/send/open/ },
        type => 'com.mandrill.send', id => 'e1',
        handshakes => [
            { name => 'HEAD', method => 'HEAD', status => 200, type => '',
              answer => '' },
        ],
    },

    # forms, calendars, meetings, files

    typeform => {
        sign => body('Typeform-Signature', 'sha256', 'base64', 'sha256='),
        body => '{"event_id":"LtWX","event_type":"form_response"}',
        type => 'com.typeform.form_response', id => 'LtWX',
    },

    calendly => {
        sign => sub {
            my ($r) = @_;
            return 'Calendly-Webhook-Signature' => "t=$r->{time},v1="
                . hmac('sha256', 'hex', $r->{secret},
                       "$r->{time}.$r->{body}");
        },
        body => '{"event":"invitee.created","payload":{}}',
        type => 'com.calendly.invitee.created', stale => 210,
    },

    zoom => {
        sign => sub {
            my ($r) = @_;
            return ('x-zm-request-timestamp' => $r->{time},
                    'x-zm-signature' => 'v0='
                    . hmac('sha256', 'hex', $r->{secret},
                           "v0:$r->{time}:$r->{body}"));
        },
        body => '{"event":"meeting.started","payload":{"object":{}}}',
        type => 'us.zoom.meeting.started', stale => 330,
        handshakes => [
            { name => 'url_validation', signed => 1,
              body => '{"payload":{"plainToken":"qgg8vlvZRS"},'
                      . '"event":"endpoint.url_validation"}',
              status => 200, type => 'application/json',
              answer => '{"plainToken":"qgg8vlvZRS","encryptedToken":"'
                        . hmac('sha256', 'hex', 's3cret', 'qgg8vlvZRS')
                        . '"}' },
        ],
    },

    dropbox => {
        sign => body('X-Dropbox-Signature', 'sha256', 'hex'),
        body => '{"list_folder":{"accounts":["dbid:1"]}}',
        type => 'com.dropbox.event', again => 'none',
        handshakes => [
            { name => 'challenge', method => 'GET',
              query => 'challenge=a%3Cb', status => 200, type => 'text/plain',
              answer => 'a<b' },
        ],
    },

    # standards and gateways

    'standard-webhooks' => {
        sign => standard('webhook'),
        secret => 'whsec_' . encode_base64('standard-webhooks key', ''),
        body => '{"type":"contact.created","data":{}}',
        type => 'contact.created', id => qr/^msg_/, stale => 330,
    },

    'standard-webhooks-v1a' => {
        sign => standard_v1a('webhook'), secret => [qw(ed25519 whpk)],
        body => '{"type":"contact.created","data":{}}',
        type => 'contact.created', id => qr/^msg_/, stale => 330,
    },

    svix => {
        sign => standard('svix'),
        secret => 'whsec_' . encode_base64('key of Svix', ''),
        body => '{"event_type":"ping"}',
        type => 'ping', id => qr/^msg_/, stale => 330,
    },

    'svix-v1a' => {
        sign => standard_v1a('svix'), secret => [qw(ed25519 whpk)],
        body => '{"event_type":"ping"}',
        type => 'ping', id => qr/^msg_/, stale => 330,
    },

    cloudevents => {
        sign => \&bearer,
        loose => sub { $_[0]{headers}[1] .= 'x' },
        headers => ['ce-id' => 'A234', 'ce-type' => 'com.example.made',
                    'ce-source' => '/here', 'ce-specversion' => '1.0'],
        body => '{"id":"data"}', type => 'com.example.made', id => 'A234',
        handshakes => [
            { name => 'OPTIONS', method => 'OPTIONS', status => 200,
              headers => ['WebHook-Request-Origin' => 'emitter.example.com',
                          'WebHook-Request-Rate' => '120'],
              type => '', answer => '',
              given => { 'WebHook-Allowed-Origin' => 'emitter.example.com',
                         'WebHook-Allowed-Rate' => '*',
                         'Allow' => 'POST, OPTIONS' } },
        ],
    },

    convoy => {
        sign => body('X-Convoy-Signature', 'sha512', 'hex'),
        body => '{"event_type":"user.created"}', type => 'user.created',
    },

    # verified by code of their own

    'google-pubsub' => {
        sign => sub {
            my ($r) = @_;
            return Authorization => 'Bearer ' . jwt($r->{openssl},
                { iss => 'https://accounts.google.com', aud => 'push',
                  email => 'push@x.iam.gserviceaccount.com',
                  email_verified => JSON::PP::true,
                  exp => $r->{time} + 3600 }, { alg => 'RS256' });
        },
        secret => [qw(rsa pem)],
        conf => 'set aud push; set email push@x.iam.gserviceaccount.com;',
        body => '{"message":{"data":"SGVsbG8=","messageId":"207044360"},'
                . '"subscription":"projects/p/subscriptions/s"}',
        loose => sub { $_[0]{headers}[1] =~ s/\.ey/.ez/ },
        type => 'com.google.pubsub.event', id => '207044360',
    },

    messagebird => {
        sign => sub {
            my ($r) = @_;
            return 'MessageBird-Signature-JWT' => jwt(hs256($r),
                { iss => 'MessageBird', jti => 'jti-1', nbf => $r->{time},
                  exp => $r->{time} + 60, url_hash => sha256_hex($r->{url}),
                  payload_hash => sha256_hex($r->{body}) },
                { alg => 'HS256', typ => 'JWT' });
        },
        body => '{"type":"message.created"}', changed => 'CREDENTIALS',
        type => 'com.messagebird.message.created', id => 'jti-1',
    },

    vonage => {
        sign => sub {
            my ($r) = @_;
            return Authorization => 'Bearer ' . jwt(hs256($r),
                { iss => 'Vonage', jti => new_id(), iat => $r->{time},
                  payload_hash => sha256_hex($r->{body}) },
                { alg => 'HS256', typ => 'JWT' });
        },
        body => '{"message_uuid":"aaaa-bbbb","status":"delivered"}',
        changed => 'CREDENTIALS', type => 'com.vonage.delivered',
        id => 'aaaa-bbbb',
    },

    'amazon-sns' => {
        sign => \&sns, secret => [qw(rsa certificate)],
        conf => 'set topic arn:aws:sns:us-west-2:1:T;',
        body => '{"Type":"Notification","MessageId":"22b80b92","TopicArn":'
                . '"arn:aws:sns:us-west-2:1:T","Message":"Hello",'
                . '"Timestamp":"2026-03-02T09:00:00.655Z","SignatureVersion":'
                . '"2","SigningCertURL":'
                . '"https://sns.us-west-2.amazonaws.com/x.pem"}',
        tampered => sub { $_[0]{body} =~ s/Hello/Hullo/ },
        type => 'com.amazonaws.sns.Notification', id => '22b80b92',
    },
);


sub hs256 {
    my ($r) = @_;
    return sub { hmac('sha256', 'raw', $r->{secret}, $_[0]) };
}


sub sns {
    my ($r) = @_;
    my $message = JSON::PP->new->utf8->decode($r->{body});
    my $text = join '', map { "$_\n$message->{$_}\n" }
               qw(Message MessageId Timestamp TopicArn Type);
    my $signature = encode_base64($r->{openssl}->($text), '');

    $r->{body} =~ s/\}\z/,"Signature":"$signature"}/;
    return ();
}


sub websub {
    my $query = 'hub.mode=subscribe&hub.challenge=1234567890'
                . '&hub.lease_seconds=432000&hub.topic='
                . $topic =~ s/([^A-Za-z0-9._-])/sprintf '%%%02X', ord $1/ger;

    return [
        { name => 'subscribe', method => 'GET', query => $query,
          status => 200, type => 'text/plain', answer => '1234567890' },
        { name => 'another topic', method => 'GET', query => "${query}x",
          status => 403, code => 'CHALLENGE_REFUSED' },
        { name => 'unsubscribe', method => 'GET',
          query => $query =~ s/=sub/=unsub/r,
          status => 405, code => 'METHOD_NOT_ALLOWED' },
    ];
}


1;
