#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# What counts as evidence of spam, what is marked and what is set apart.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::Exposition;
use Intake::Form;
use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis();

$t->write_file('words', "casino\n# a comment\nFree Money!\n"
    . "\xd0\x9a\xd0\xa3\xd0\x9f\xd0\x98\n");
$t->write_file('domains', "mailinator.example\nTrash.Example\n");

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    intake_redis { server %%REDIS%%; }

    # no layer but the names that every form service has

    intake_source bare { form; }

    intake_source contact {
        form;
        field     name;
        field     website type=url;
        field     color   type=choice values=red|green;
        honeypot  trap;
        spam;
    }

    # one layer less each

    intake_source less {
        form;
        spam  suspect=1 certain=20
              without=request_shape,same_text,address_in_name,markup,links;
    }

    intake_source same {
        form;
        spam  suspect=1 certain=20 without=cross_site;
    }

    intake_source off   { form; honeypot off; spam off; }
    intake_source traps { form; spam off; }

    intake_source lists {
        form;
        spam  links=0 words=%%DIR%%/words domains=%%DIR%%/domains;
    }

    intake_source low {
        form;
        spam  suspect=2 certain=4;
    }

    intake_source high {
        form;
        honeypot  trap;
        spam      suspect=50 certain=100;
    }

    server {
        listen  127.0.0.1:%%PORT_0%%;

        location = /bare    { intake bare; }
        location = /contact { intake contact; }
        location = /lists   { intake lists; }
        location = /low     { intake low; }
        location = /high    { intake high; }
        location = /less    { intake less; }
        location = /same    { intake same; }
        location = /off     { intake off; }
        location = /traps   { intake traps; }
        location = /status  { intake_status; }
    }
}
EOC

$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');

my $forms = Intake::Form->new(t => $t, redis => $redis);
my $number = 0;
my %reasons;


# what is posted is taken, to the stream, with the score and the reasons

sub judged {
    my ($name, $source, $stream, $spam, $fields, @headers) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $number++;

    my $res = $forms->post("/$source", [@$fields, mark => "number$number"],
                           headers => \@headers);
    my $row = $forms->filed($source) || {};

    is($res->status, 200, "$name: 200");
    ok($res->json->{ok}, "$name: as every other one");
    unlike($res->head . $res->body, qr/honeypot|spam|score|links|words/i,
           "$name: nothing is said of it");
    is($row->{stream}, $stream, "$name: the stream");
    is($row->{fields}{intakespam}, $spam, "$name: score and reasons");

    $reasons{$source}{$_}++
        for split /,/, ($spam // '') =~ s/^\d+ //r;

    return $row;
}


my $hello = [name => 'Ann Lee', email => 'ann@example.org',
             message => 'Hello, what does it cost?'];
my @script = ('User-Agent' => undef);
my @foreign = ('Origin' => 'https://evil.example',
               'Sec-Fetch-Site' => 'cross-site');


# nothing

judged('a message', 'contact', 'main', undef, $hello);
judged('an empty trap', 'contact', 'main', undef, [@$hello, trap => '']);
judged('a blank trap', 'contact', 'main', undef,
       [@$hello, trap => " \t\r\n\xc2\xa0"]);


# honeypots

my $row = judged('a trap', 'contact', 'main', '3 honeypot',
                 [@$hello, trap => 'x']);
unlike($row->{fields}{data}, qr/"trap"/, 'a trap: it is not stored');

for my $name (qw(_gotcha _honey bot-field botcheck)) {
    judged("the trap $name", 'contact', 'main', '3 honeypot',
           [@$hello, $name => 'on']);
}

# a box that was not ticked, as scripts send it

for my $value ('false', 'False', ' false ', '0', 'null', 'undefined') {
    judged("a box that says '$value'", 'contact', 'main', undef,
           [@$hello, botcheck => $value]);
}

for my $value ('true', 'on', '1', '00', 'falsehood', 'no') {
    judged("a box that says '$value'", 'contact', 'main', '3 honeypot',
           [@$hello, botcheck => $value]);
}

judged('a box and its hidden twin', 'contact', 'main', '3 honeypot',
       [@$hello, botcheck => '0', botcheck => '1']);

for my $case (['false'], ['null'], ['""'], ['0'], ['[]'], ['[false]'],
              ['true', '3 honeypot'], ['"x"', '3 honeypot'],
              ['[false,true]', '3 honeypot'])
{
    my ($value, $spam) = @$case;

    $number++;

    my $res = $t->post('/contact',
        qq({"message":"number$number","botcheck":$value}),
        $forms->headers('Content-Type' => 'application/json'));

    is($res->status, 200, "JSON $value: 200");
    is(($forms->filed('contact') || {})->{fields}{intakespam}, $spam,
       "JSON $value: " . ($spam // 'nothing'));
    $reasons{contact}{honeypot}++ if $spam;
}


judged('a trap behind another', 'contact', 'main', '3 honeypot',
       [@$hello, trap => '', trap => '', trap => 'x']);
judged('a trap of no directive', 'bare', 'main', '3 honeypot',
       [@$hello, _gotcha => 'x']);
judged('a trap whatever suspect is', 'high', 'main', '3 honeypot',
       [@$hello, trap => 'x']);

judged('a trap and a script', 'contact', 'spam', '4 honeypot,request_shape',
       [@$hello, trap => 'x'], @script);
judged('a trap and another site', 'contact', 'spam', '5 honeypot,cross_site',
       [@$hello, trap => 'x'], @foreign);
judged('a trap and markup, whatever certain is', 'high', 'spam',
       '5 honeypot,markup', [@$hello, trap => 'x', more => '[url=x]']);


# the request

judged('a script', 'contact', 'main', undef, $hello, @script);
judged('a short name', 'contact', 'spam', '4 honeypot,request_shape',
       [@$hello, trap => 'x'], 'User-Agent' => 'x');
judged('no language', 'contact', 'spam', '4 honeypot,request_shape',
       [@$hello, trap => 'x'], 'Accept-Language' => undef);
judged('another site and a script', 'contact', 'main',
       '3 cross_site,request_shape', $hello, @foreign, @script);

for my $via ([], ['X-Forwarded-For' => '192.0.2.1'], ['Via' => '1.0 x']) {
    my $http = $t->http();
    my $spam = @$via ? '3 honeypot' : '4 honeypot,request_shape';

    $number++;
    my $body = Intake::Form::encoded([@$hello, trap => 'x', mark => $number]);
    my $res = $http->request('POST', '/contact', version => '1.0',
                             body => $body,
                             headers => $forms->headers(@$via));

    is($res->status, 200, "HTTP/1.0 @$via");
    is($forms->filed('contact')->{fields}{intakespam}, $spam,
       "HTTP/1.0 @$via: " . (@$via ? 'a proxy' : 'odd'));
    $reasons{contact}{$_}++ for split /,/, $spam =~ s/^\d+ //r;
}


# the content, each alone and not marked

my $links = join ' ', map { "http://$_.example" } 1 .. 3;
my $more = "$links https://4.example";

judged('three links', 'low', 'main', undef, [@$hello, more => $links]);
judged('four links', 'low', 'main', '2 links', [@$hello, more => $more]);
judged('four links in four fields', 'low', 'main', '2 links',
       [message => $links, more => 'see WWW.example']);
judged('four links alone', 'contact', 'main', undef, [@$hello, a => $more]);
judged('a link in a field for links', 'contact', 'main', undef,
       [@$hello, website => 'https://a.example', more => $links]);
judged('markup', 'low', 'main', '2 markup', [message => 'x <A href="y">z']);
judged('an address in the name', 'low', 'main', '2 address_in_name',
       [name => 'Buy at www.a.example', message => 'x']);
judged('an e-mail address in the name', 'low', 'main', '2 address_in_name',
       ['your-name' => 'a@b.example', message => 'x']);
judged('an e-mail address elsewhere', 'low', 'main', undef,
       [name => 'Ann', message => 'write to a@b.example']);

$number++;
for my $case ([[a => 'buy', b => 'buy', c => 'buy'], '2 same_text'],
              [[a => 'buy', b => 'buy', c => 'buy2'], undef],
              [[a => 'one', b => 'one'], undef],
              [[a => 'yes', a => 'yes', a => 'yes'], undef],
              [[a => '5', b => '5', c => '5'], undef])
{
    my ($fields, $spam) = @$case;

    is($forms->post('/low', $fields)->status, 200, "same text: @$fields");
    is($forms->filed('low')->{fields}{intakespam}, $spam,
       "same text: @$fields: reasons");
}
$reasons{low}{same_text}++;


# the lists

for my $text ('The best CASINO here', 'free, MONEY now',
              "x \xd0\xba\xd1\x83\xd0\xbf\xd0\xb8 y")
{
    judged("a word: $text", 'lists', 'main', '3 words', [message => $text]);
}

judged('no whole word', 'lists', 'main', undef, [message => 'casinos']);
judged('no whole phrase', 'lists', 'main', undef, [message => 'free of money']);
judged('a domain', 'lists', 'main', '3 domain',
       [email => 'A@Mailinator.Example', message => 'x']);
judged('a domain below one', 'lists', 'main', '3 domain',
       [email => 'a@b.trash.example', message => 'x']);
judged('another domain', 'lists', 'main', undef,
       [email => 'a@mailinator.example.org', message => 'x']);
judged('links=0', 'lists', 'main', '5 links,words',
       [message => 'casino: http://a.example']);


# content alone is not certain, unless the operator says so

my $all = [name => 'a@b.example', email => 'a@trash.example',
           message => "casino <a href=x> $more"];

judged('all that a text can say', 'lists', 'main',
       '5 links,markup,address_in_name,words,domain', $all);
judged('that and a script', 'lists', 'spam',
       '6 request_shape,links,markup,address_in_name,words,domain', $all,
       @script);
judged('certain=4', 'low', 'spam', '4 links,markup',
       [message => "<a href=x> $more"]);
judged('suspect=50', 'high', 'main', undef,
       [message => "<a href=x> $more"], @foreign);


# layers that were not asked for: where it comes from is looked at, and alone
# it marks nobody

judged('no spam directive', 'bare', 'main', undef, $all, @foreign, @script);
judged('no spam directive, a trap and another site', 'bare', 'spam',
       '5 honeypot,cross_site', [@$hello, _gotcha => 'x'], @foreign);
judged('no spam directive, a trap and a script', 'bare', 'main', '3 honeypot',
       [@$hello, _gotcha => 'x'], @script);


# layers that are off

my $every = [@$all, a => 'buy', b => 'buy', c => 'buy'];

judged('without five of them', 'less', 'main', '2 cross_site', $every,
       @foreign, @script);
judged('without one of them', 'same', 'main', '6 request_shape,links,markup,'
       . 'address_in_name', $all, @foreign, @script);
judged('a trap, without the other site', 'same', 'main', '3 honeypot',
       [@$hello, _gotcha => 'x'], @foreign);
$row = judged('honeypot off, spam off', 'off', 'main', undef,
              [@$every, _gotcha => 'x', botcheck => 'x'], @foreign,
              @script);
unlike($row->{fields}{data}, qr/botcheck|_gotcha/,
       'honeypot off: its fields are left out all the same');
judged('spam off, and a trap', 'traps', 'main', '3 honeypot',
       [@$every, _gotcha => 'x'], @foreign, @script);



# a duplicate is not counted again

$forms->post('/contact', [@$hello, trap => 'y', mark => 'twice']);
$forms->post('/contact', [@$hello, trap => 'y', mark => 'twice']);
$reasons{contact}{honeypot}++;


# the counters; what was not marked is counted, too

$reasons{contact}{request_shape}++;
$reasons{contact}{links}++;
$reasons{bare}{cross_site}++;
$reasons{off} = {};
$reasons{high}{$_}++ for qw(cross_site links markup);

my $metrics = Intake::Exposition->parse(
    $t->get('/status?format=prometheus')->body);
my %json = map { $_->{name} => $_->{spam} }
           @{$t->get('/status?format=json')->json->{sources}};

for my $source (qw(bare contact less lists low high off same traps)) {
    my %counted = map { $_ => $metrics->value('intake_spam_total',
                                              source => $source,
                                              reason => $_) }
                  qw(honeypot token_forged token_missing too_fast cross_site
                     request_shape links markup address_in_name same_text
                     words domain captcha_unverified);

    is_deeply({map { $_ => $counted{$_} } grep { $counted{$_} } keys %counted},
              $reasons{$source}, "$source: intake_spam_total");
    is_deeply($json{$source}, \%counted, "$source: the same in JSON");
}


$t->finish();
