#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The directives of forms: what they take, and what they say to the rest.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::Test;


my $t = Intake::Test->new();

my $main = <<'EOC';
%%TEST_GLOBALS%%
events {
}
http {
    %%TEST_HTTP%%
    include  source.conf;
}
EOC


# A block of its own file, so that its lines are those of the message; what
# each line says is without the test's folder.

sub check {
    my ($block) = @_;

    $t->write_file('source.conf', $block);

    my ($code, $output) = $t->test_config($main);

    my @said = $output =~ /^nginx: \[(?:emerg|warn)\] (.*)/mg;
    s{\Q$t->{dir}\E/}{}g for @said;

    return ($code, @said);
}


# The lines in question begin at line 3.

sub block {
    my ($lines, $form) = @_;
    $form //= 'form;';
    return "intake_source a {\n$form\n$lines\n}\n";
}


sub taken {
    my ($lines, $name) = @_;
    my ($code, @said) = check(block($lines));

    is_deeply([$code, @said], [0], $name // $lines =~ s/\s+/ /gr);
}


sub warned {
    my ($lines, $message, $line, $name) = @_;
    my ($code, @said) = check(block($lines));

    $line //= 3;
    is_deeply([$code, @said], [0, "$message in source.conf:$line"],
              $name // $lines =~ s/\s+/ /gr);
}


sub refused {
    my ($lines, $message, $line, $name) = @_;
    my ($code, @said) = check(block($lines));

    $line //= 3;
    is_deeply([$code, @said], [1, "$message in source.conf:$line"],
              $name // $lines =~ s/\s+/ /gr);
}


# A list of directive => message, each refused in line 3.

sub refuse_all {
    while (my ($lines, $message) = splice @_, 0, 2) {
        refused("$lines;", $message);
    }
}


my $long = 'n' x 257;

my $unknown_field = 'write required, type=, line, min=, max=, pattern=, '
                    . 'values=, multiple or label=';


subtest 'a form' => sub {
    taken('', 'form alone');
    taken('stream k; retain maxlen=10 age=30d; event_source /x; '
          . 'client_ip masked; headers User-Agent; max_body 2m; '
          . 'deadline 1s; dedupe window=1h;', 'what every source may say');

    my ($code, @said) = check("intake_source a {\nfield x;\nhoneypot _t;\n"
                              . "strict on;\nform;\n}\n");
    is_deeply([$code, @said], [0], 'form may stand last');

    refuse_all('form', 'duplicate "form" in intake_source "a": write it once',
               'form a', 'invalid number of arguments in "form" of '
               . 'intake_source "a": it takes 0, 1 given',
               'filed x', 'unknown directive "filed" in intake_source "a", '
               . 'did you mean "field"?',
               'strict yes', '"strict" in intake_source "a" must be "on" or '
               . '"off"',
               'strict on', '"strict on" in intake_source "a" without '
               . '"field" refuses every form: write the fields it has');

    taken('strict off;');
    taken("strict on;\nfield x;");
};


subtest 'webhooks are no forms' => sub {
    my @webhook = ('platform p', 'secret 0123456789', 'verify_token x',
                   'set a b', 'url_base https://a.example', 'answer 200',
                   'tolerance 5m');

    for (@webhook) {
        my ($name) = /^(\w+)/;

        refused("$_;", "\"$name\" beside \"form\" in intake_source \"a\": "
                . "\"$name\" is for webhooks, take out one of them");

        my ($code, @said) = check(block('form;', "$_;"));
        is_deeply([$code, @said],
                  [1, "\"form\" beside \"$name\" in intake_source \"a\": "
                   . "\"$name\" is for webhooks, take out one of them in "
                   . 'source.conf:3'], "$_, then form");
    }

    my @form = ('field x', 'strict off', 'honeypot _t',
                'token secret=0123456789abcdef', 'spam',
                'captcha location=/c field=altcha',
                'origin https://a.example', 'redirect /a',
                "attachments path=$t->{dir}/files", 'conversation id');

    for (@form) {
        my ($name) = /^(\w+)/;

        my ($code, @said) = check("intake_source a {\n\n$_;\n}\n");
        is_deeply([$code, @said],
                  [1, "\"$name\" in intake_source \"a\" without \"form\": "
                   . 'write "form;" too in source.conf:3'], "$_ alone");
    }

    my ($code, @said) = check(block('honeypot _t;', 'platform p;'));
    is_deeply([$code, @said],
              [1, '"honeypot" in intake_source "a" is for forms and '
               . '"platform" for webhooks: take out one of them in '
               . 'source.conf:3'], 'neither one nor the other');

    ($code, @said) = check(block('', ''));
    is_deeply([$code, @said],
              [1, 'no "platform" in intake_source "a": write "platform '
               . 'NAME;", or "form;" if it takes forms in source.conf:1'],
              'nothing');
};


subtest 'fields' => sub {
    taken("field $_;")
        for 'name', 'email', '_replyto', '_subject', 'subject', 'a[b].c',
            '"first name"', 'x' x 256, 'name required max=100',
            'e required type=email', 'x min=0', 'x min=5 max=5',
            'x max=536870912', 'e type=email multiple', 'x multiple',
            '"x" "label=Your name"', 't type=tel', 'u type=url max=200',
            'n type=number min=-1.5 max=1e3', 'n type=number min=1 max=1.0',
            'd type=date min=2026-01-01 max=2026-12-31',
            'd type=date max=2026-12-31', 'c type=choice values=a',
            'c type=choice values=a|b|c required multiple',
            'c type=choice "values= big | small "', 'name=x', 'x line',
            'x type=text line max=100', 'subject line', '_utm', '_cc', '_';

    refuse_all(
        'field', 'invalid number of arguments in "field" of intake_source '
            . '"a": it takes at least 1, 0 given',
        'field ""', 'empty name in "field", write that of a field',
        'field type=email', 'no name before "type=email" in "field": write '
            . 'field NAME, then what it must be',
        "field $long", "name \"$long\" in \"field\" is longer than 256 bytes: "
            . 'a form may not send it',
        'field x requird', 'unknown word "requird" in "field", did you mean '
            . '"required"?',
        'field x mx=5', 'unknown word "mx=" in "field", did you mean "max="?',
        'field x maxlength=5', 'unknown word "maxlength=" in "field", '
            . $unknown_field,
        'field x required=1', 'unknown word "required=" in "field", did you '
            . 'mean "required"?',
        'field x lin', 'unknown word "lin" in "field", did you mean "line"?',
        map({ ("field x line $_", '"line" in "field" is for "type=text", all '
               . 'others are one line anyway: leave it out') }
            'type=email', 'type=tel', 'type=choice values=a'),
        'field x required required', 'duplicate "required" in "field"',
        'field x max=5 max=6', 'duplicate "max=" in "field"',
        'field x max=', '"max=" in "field" is empty, leave it out',
        'field x label=', '"label=" in "field" is empty, leave it out',
        'field x type=emial', 'unknown type "emial" in "field", did you mean '
            . '"email"?',
        'field x type=checkbox', 'unknown type "checkbox" in "field", write '
            . 'text, email, tel, url, number, date or choice');

    refused("field x;\nfield x required;", 'duplicate field "x": the first is '
            . 'in source.conf:3', 4);

    my $many = join "\n", map { "field f$_;" } 1 .. 100;

    taken($many, '100 fields');
    refused("$many\nfield x;", 'more than 100 "field" directives: a form may '
            . 'not send more', 103, '101 fields');
};


subtest 'names that mean something' => sub {
    my %does = (
        _gotcha => 'is a honeypot', _honey => 'is a honeypot',
        'bot-field' => 'is a honeypot', botcheck => 'is a honeypot',
        _next => 'says where to go next', redirect => 'says where to go next',
        _token => 'carries the form token',
        altcha => 'is the answer of a captcha',
        'cf-turnstile-response' => 'is the answer of a captcha',
        _CharSet_ => 'names the charset of the page',
        _cc => 'is dropped, because its name begins with "_"',
    );

    refused("field $_;", "invalid name \"$_\" in \"field\": a field of this "
            . "name $does{$_}, write another")
        for grep { $_ ne '_cc' } sort keys %does;

    refused("honeypot $_;", "invalid name \"$_\" in \"honeypot\": a field of "
            . "this name $does{$_}, write another")
        for '_next', '_token', 'altcha', '_CharSet_';

    refused("captcha location=/c field=$_;", "invalid name \"$_\" in "
            . "\"captcha\": a field of this name $does{$_}, write another")
        for '_gotcha', '_next', '_token';

    refused("captcha location=/c field=email;", 'invalid name "email" in '
            . '"captcha": a field of this name is the address to reply to, '
            . 'write another');
    refused("captcha location=/c field=subject;", 'invalid name "subject" in '
            . '"captcha": a field of this name is the subject, write '
            . 'another');

    refused("conversation field:$_;", "invalid name \"$_\" in "
            . "\"conversation\": a field of this name $does{$_}, write "
            . 'another') for '_gotcha', '_next', '_token', 'altcha', '_cc';
};


subtest 'limits' => sub {
    refuse_all(
        'field x max=0', '"max=0" in "field" allows nothing: write 1 or more',
        'field x max=a', 'invalid "max=a" in "field", write a number of '
            . 'characters',
        'field x min=-1', 'invalid "min=-1" in "field", write a number of '
            . 'characters',
        'field x max=5k', 'invalid "max=5k" in "field", write a number of '
            . 'characters',
        'field x max=536870913', 'invalid "max=536870913" in "field", write a '
            . 'number of characters',
        'field x min=6 max=5', '"min=6" in "field" is more than "max=5"',
        'field n type=number min=a', 'invalid "min=a" in "field", write a '
            . 'number such as 1 or 0.5',
        'field n type=number max=+1', 'invalid "max=+1" in "field", write a '
            . 'number such as 1 or 0.5',
        'field n type=number min=10 max=9', '"min=10" in "field" is more than '
            . '"max=9"',
        'field n min=10 max=9.5 type=number', '"min=10" in "field" is more '
            . 'than "max=9.5"',
        'field d type=date min=2026-02-29', 'invalid "min=2026-02-29" in '
            . '"field", write a date such as 2026-12-31',
        'field d type=date max=5', 'invalid "max=5" in "field", write a date '
            . 'such as 2026-12-31',
        'field d type=date min=2026-12-31 max=2026-01-01',
            '"min=2026-12-31" in "field" is more than "max=2026-01-01"',
        'field c type=choice values=a min=1', '"min=" in "field" has no '
            . 'effect with "type=choice", leave it out',
        'field c type=choice values=a max=1', '"max=" in "field" has no '
            . 'effect with "type=choice", leave it out',
        'field c type=choice values=a pattern=a', '"pattern=" in "field" has '
            . 'no effect with "type=choice", leave it out',
        'field c type=choice', '"type=choice" in "field" without "values=": '
            . 'write what may be chosen, such as values=sales|support',
        'field c values=a|b', '"values=" in "field" is for "type=choice", '
            . 'write that, or leave it out',
        'field c type=text values=a|b', '"values=" in "field" is for '
            . '"type=choice", write that, or leave it out',
        map { ("field c type=choice \"values=$_\"", 'empty value in "values=" '
               . 'of "field": a field that is not required may be left empty '
               . 'anyway') } '|', 'a|', 'a||b', '|a', 'a| |b');

    refused('field c type=choice "values=a|b| a ";', 'duplicate value "a" in '
            . '"values=" of "field"');
};


subtest 'patterns' => sub {
    taken("field x \"pattern=$_\";", $_)
        for '^[0-9]{5}$', '[0-9]{5}', 'a|b', "[\xc3\xa4-\xc3\xb6]+",
            '\\\\p{L}+', '(?<year>[0-9]+)';

    refuse_all('field x pattern=', '"pattern=" in "field" is empty, leave it '
               . 'out');

    refused("field x \"pattern=$_->[0]\";",
            "invalid pattern \"$_->[0]\" in \"field\": $_->[1]")
        for ['[a-z', 'missing terminating ] for character class at its end'],
            ['a(b', 'missing closing parenthesis at its end'],
            ['a)|(b', 'unmatched closing parenthesis at ")|(b"'],
            ['*', 'quantifier does not follow a repeatable item at "*"'];

    refused("field x \"pattern=[\xc3-\xc4]\";", "invalid pattern "
            . "\"[\xc3-\xc4]\" in \"field\": UTF-8 error: byte 2 top bits not "
            . "0x80 at \"\xc3-\xc4]\"", undef, 'no UTF-8');

    my $text = 'a' x 1500 . '(';
    my ($code, @said) = check(block("field x pattern=$text;"));
    is($code, 1, 'a long one');
    like($said[0], qr/^invalid pattern "aaa/, 'its message');
};


subtest 'honeypots' => sub {
    taken("honeypot $_;")
        for '_gotcha', 'bot-field', '_trap', 'fax', 'a b c', 'subject', 'off';

    warned("honeypot $_;", "honeypot \"$_\": browsers fill in a field of this "
           . 'name by themselves, and people would look like spam, write '
           . 'another')
        for qw(name email url website company phone address Website);

    refuse_all(
        'honeypot a b a', 'duplicate name "a" in "honeypot"',
        'honeypot ""', 'empty name in "honeypot", write that of a field',
        'honeypot off a', '"off" in "honeypot" stands alone: write "honeypot '
            . 'off;", or names of fields',
        'honeypot a off', '"off" in "honeypot" stands alone: write "honeypot '
            . 'off;", or names of fields',
        "honeypot $long", "name \"$long\" in \"honeypot\" is longer than 256 "
            . 'bytes: a form may not send it');

    refused("honeypot fax b;\nfield b;", 'field "b" of intake_source "a" is a '
            . '"honeypot" too, which people leave empty: give one of them '
            . 'another name', 4);
    refused("field b;\nhoneypot fax b;", 'field "b" of intake_source "a" is a '
            . '"honeypot" too, which people leave empty: give one of them '
            . 'another name', 3);
    refused("captcha location=/c field=b;\nhoneypot b;", 'honeypot "b" of '
            . 'intake_source "a" is the answer of "captcha" too, which people '
            . 'do not leave empty: give it another name', 4);
};


subtest 'tokens' => sub {
    my $secret = 'secret=0123456789abcdef';

    taken("token $_;")
        for $secret, "$secret min=0", "$secret min=500ms max=1d cookie=form",
            "cookie=__Host-form $secret";

    $t->write_file('token.key', 'x' x 32 . "\n", 0640);
    $t->write_file('open.key', 'x' x 32 . "\n", 0644);
    $t->write_file('empty.key', "\n", 0640);

    taken('token secret=file:token.key;');
    warned('token secret=file:open.key;', '"open.key" of "token" can be read '
           . 'by others, run: chmod o-r open.key');
    warned('token secret=0123456789abcde;', 'the secret of "token" is shorter '
           . 'than 16 bytes and may be guessed, make one with: openssl rand '
           . '-hex 32');

    refuse_all(
        'token min=2s', '"token" in intake_source "a" has no "secret=": write '
            . 'secret=file:PATH of a file that holds a random text',
        'token secret=', '"secret=" in "token" is empty, leave it out',
        'token secret=file:none.key', 'open() "none.key" failed (2: No such '
            . 'file or directory)',
        'token secret=file:empty.key', '"token" is empty: write a value, or '
            . 'file:PATH of a file that holds it',
        "token $secret min=x", 'invalid time "min=x" in "token", write one '
            . 'such as 2s or 7d',
        "token $secret max=x", 'invalid time "max=x" in "token", write one '
            . 'such as 2s or 7d',
        "token $secret min=8d", '"min=" in "token" is no less than "max=": no '
            . 'token would say anything',
        "token $secret max=0", '"min=" in "token" is no less than "max=": no '
            . 'token would say anything',
        "token $secret key=x", 'unknown word "key=" in "token", write '
            . 'secret=, min=, max= or cookie=',
        "token 0123456789abcdef", 'unknown word "0123456789abcdef" in '
            . '"token", write secret=, min=, max= or cookie=',
        map { ("token $secret \"cookie=$_\"", "invalid \"cookie=$_\" in "
               . '"token", write a name of letters, digits, "-" and "_"') }
            'a;b', 'a b', 'a=b', 'a,b', "\xc3\xa4");
};


subtest 'spam' => sub {
    $t->write_file('words.txt', "\xef\xbb\xbf# bad ones\r\n\r\n  Viagra \r\n"
                   . "c#\nviagra\nbuy now");
    $t->write_file('domains.txt', "Example.com\na.example\n");
    $t->write_file('none.txt', "# nothing\n\n");
    $t->write_file('zero.txt', '');
    $t->write_file('many.txt', join '', map { "d$_.example\n" } 1 .. 50000);

    taken("spam $_;")
        for '', 'links=0', 'links=5 suspect=2 certain=2', 'words=words.txt',
            'domains=domains.txt words=words.txt', 'domains=many.txt',
            "words=$t->{dir}/words.txt", 'off', 'without=links',
            'without=token_missing,cross_site,request_shape,links,markup,'
            . 'address_in_name,same_text suspect=2', "without=same_text\n"
            . 'links=1 words=words.txt domains=domains.txt suspect=2 certain=3';

    warned("spam $_->[0]=$_->[1];", "\"$_->[1]\" of \"$_->[0]=\" in \"spam\" "
           . 'is empty')
        for map { my $what = $_; map { [$what, "$_.txt"] } qw(none zero) }
            qw(words domains);

    refuse_all(
        'spam lnks=3', 'unknown word "lnks=" in "spam", did you mean '
            . '"links="?',
        'spam none', 'unknown word "none" in "spam", write off, links=, '
            . 'words=, domains=, suspect=, certain= or without=',
        'spam off links=1', '"off" in "spam" stands alone: write "spam off;", '
            . 'or leave it out',
        'spam without=', '"without=" in "spam" is empty, leave it out',
        'spam without=lnks', 'unknown reason "lnks" in "without=", did you '
            . 'mean "links"?',
        map({ ("spam without=$_", 'unknown reason "" in "without=", write '
               . 'token_missing, cross_site, request_shape, links, markup, '
               . 'address_in_name or same_text') } ',', 'links,', 'links,,x'),
        'spam without=links,markup,links', 'duplicate reason "links" in '
            . '"without="',
        'spam without=links links=2', '"links=" in "spam" has no effect with '
            . '"without=links", leave one of them out',
        map({ ("spam without=$_->[0]", "\"without=$_->[0]\" in \"spam\": "
               . $_->[1]) }
            ['honeypot', 'write "honeypot off;" instead'],
            ['token_forged', 'take out "token" instead'],
            ['too_fast', 'write "min=0" in "token" instead'],
            ['words', 'leave out "words=" instead'],
            ['domain', 'leave out "domains=" instead'],
            ['captcha_unverified', 'take out "captcha" instead']),
        'spam links=-1', 'invalid "links=-1" in "spam", write a number from 0 '
            . 'on',
        'spam suspect=0', 'invalid "suspect=0" in "spam", write a number from '
            . '1 on',
        'spam certain=0', 'invalid "certain=0" in "spam", write a number from '
            . '1 on',
        'spam suspect=x', 'invalid "suspect=x" in "spam", write a number from '
            . '1 on',
        'spam suspect=7', '"suspect=" in "spam", 7, is more than "certain=", '
            . '6',
        'spam certain=2', '"suspect=" in "spam", 3, is more than "certain=", '
            . '2',
        'spam words=no.txt', 'open() "no.txt" failed (2: No such file or '
            . 'directory)',
        'spam domains=no.txt', 'open() "no.txt" failed (2: No such file '
            . 'or directory)',
        'spam words=html', '"html" must be a file of at most 65536k');

    for ('bob@a.example', 'https://a.example/', 'a.example/x', '.example',
         'localhost', 'a.example b.example', '*.example', 'a.example,')
    {
        $t->write_file('bad.txt', "good.example\r\n\r\n$_\r\n");

        refused('spam domains=bad.txt;', "invalid domain \"$_\" in "
                . '"bad.txt" line 3 of "domains=", write one such as '
                . 'example.com', undef, "the domain $_");
    }
};


subtest 'captchas' => sub {
    taken("captcha $_;")
        for 'location=/verify field=cf-turnstile-response',
            'field=altcha location=/a/b strict',
            'location=/c field=_own', 'location=/c field=own';

    refuse_all(
        'captcha field=altcha strict', '"captcha" in intake_source "a" has no '
            . '"location=": write that of an internal location that asks who '
            . 'verifies',
        'captcha location=/c strict', '"captcha" in intake_source "a" has no '
            . '"field=": write that which the captcha puts its answer into, '
            . 'such as field=cf-turnstile-response',
        'captcha location=@c field=altcha', '"location=@c" in "captcha" is a '
            . 'named location, which no subrequest reaches: write /URI of one '
            . 'with "internal"',
        'captcha location=/c field=altcha strct', 'unknown word "strct" in '
            . '"captcha", write location=, field= or strict',
        map { ("captcha location=$_ field=altcha", "invalid \"location=$_\" "
               . 'in "captcha", write /URI of an internal location, without '
               . 'arguments') }
            'c', 'https://a.example/', '/c?a=b', '/c#d');

    refused("captcha location=/c field=own;\nfield own;", 'field "own" of '
            . 'intake_source "a" is the answer of "captcha" too, which is not '
            . 'stored: take out "field"', 4);
};


subtest 'origins' => sub {
    taken("origin $_;")
        for 'https://a.example', 'http://a.example:8080 https://B.example',
            'https://a.example http://a.example', 'https://[::1]:8443',
            'HTTPS://a.example', 'http://localhost:3000 http://127.0.0.1',
            'https://a.example:80 http://a.example:443',
            'https://xn--4ca.example', 'https://a_b.example';

    refused("origin \"$_\";", "invalid origin \"$_\", write https://HOST, "
            . 'http://HOST or one of them with :PORT, and nothing after it')
        for '', '*', 'null', 'a.example', 'https://', 'https://a.example/',
            'https://a.example/x', 'https://a.example?x', 'ftp://a.example',
            'https://u@a.example', 'https://a.example:', 'https://:80',
            'https://a.example:0', 'https://a.example:65536',
            'https://a.example:8x', 'https://a b', 'https://[::1',
            'https://[]', 'https://[g::1]', 'https://[::1]x',
            "https://\xc3\xa4.example", 'https://*.example';

    refused("origin https://a.example $_;", "duplicate origin \"$_\"")
        for 'https://a.example', 'https://A.EXAMPLE', 'https://a.example:443',
            'HTTPS://a.example:0443';
};


subtest 'redirects' => sub {
    taken("redirect $_;")
        for '/', '/thanks.html', '/a?b=c#d', 'https://a.example',
            'http://a.example:8080/x', '/a error=/b', '/a next=on',
            '/a next=off', '/a next=on error=https://b.example/x',
            'HTTPS://A.example/x?y';

    my @bad = ('', 'thanks.html', '//a.example', '/a b', 'https:/a',
               'https://', 'https:///a', 'javascript:alert(1)', "/\xc3\xa4",
               'error=/x');

    for (@bad) {
        refused("redirect \"$_\";", "invalid \"$_\" in \"redirect\", write "
                . '/PATH of this site, or https://HOST/PATH of another, in '
                . 'ASCII without blanks');
        refused("redirect /a \"error=$_\";", "invalid \"$_\" in \"redirect\", "
                . 'write /PATH of this site, or https://HOST/PATH of another, '
                . 'in ASCII without blanks') if length;
    }

    refuse_all(
        'redirect /a error=', '"error=" in "redirect" is empty, leave it out',
        'redirect /a next=yes', '"redirect" in intake_source "a" has "next=", '
            . 'which must be "on" or "off"',
        'redirect /a /b', 'unknown word "/b" in "redirect", write error= or '
            . 'next=',
        'redirect /a next=on next=on', 'duplicate "next=" in "redirect"');
};


subtest 'attachments' => sub {
    my $path = "path=$t->{dir}/files";

    taken("attachments $_;")
        for $path, "$path/", "$path max=25m count=3",
            "types=image/png,image/*,Application/PDF $path", 'path=relative';

    my $mode = (stat "$t->{dir}/files")[2] & 07777;
    is(sprintf('%04o', $mode), '0700', 'the folder is for nginx alone');
    ok(-d "$t->{dir}/relative", "and relative to nginx.conf's");

    my ($code, @said) = check("intake_source a {\nform;\nattachments $path;\n"
                              . "}\nintake_source b {\nform;\n"
                              . "attachments $path/ max=1m;\n}\n");
    is_deeply([$code, @said], [0], 'two sources share a folder');

    $t->write_file('file', '');
    mkdir "$t->{dir}/open";
    chmod 0755, "$t->{dir}/open";

    warned("attachments path=open;", '"open" of "attachments" can be read by '
           . 'others, run: chmod o-rx open');
    warned("attachments $path max=2m;\nmax_body 2m;", '"max=" of '
           . '"attachments" in intake_source "a" is no less than its '
           . '"max_body": such a file is never taken');
    taken("attachments $path max=2m;\nmax_body 3m;");

    refuse_all(
        'attachments max=1m', '"attachments" in intake_source "a" has no '
            . '"path=": write the folder that keeps the files',
        'attachments path=/', '"path=/" in "attachments": write a folder for '
            . 'the files alone',
        'attachments path=///', '"path=/" in "attachments": write a folder '
            . 'for the files alone',
        'attachments path=file', '"file" of "attachments" is not a folder',
        'attachments path=file/x', 'stat() "file/x" of "attachments" failed '
            . '(20: Not a directory)',
        "attachments $path size=1m", 'unknown word "size=" in "attachments", '
            . 'write path=, max=, count= or types=',
        map({ ("attachments $path max=$_", "invalid \"max=$_\" in "
               . '"attachments", write a size such as 10m, up to 512m') }
            '0', '513m', 'x'),
        map({ ("attachments $path count=$_", "invalid \"count=$_\" in "
               . '"attachments", write a number of files from 1 to 1000') }
            '0', '1001', 'x'),
        map({ ("attachments $path \"types=image/gif,$_\"", "invalid type "
               . "\"$_\" in \"types=\" of \"attachments\", write one such as "
               . 'image/png, or image/* for all of a kind') }
            '', 'image', 'image/', '/png', '*/*', 'image/*x', 'image/p ng',
            'a/b/c'),
        "attachments $path types=a/b,A/B", 'duplicate type "a/b" in "types=" '
            . 'of "attachments"');

    ($code, @said) = check(block('attachments path=client_body;'));
    is($code, 1, "nginx's own folder");
    like($said[0], qr/^the same path name "client_body" used in /,
         'its message');
};


subtest 'conversations' => sub {
    taken("$_")
        for 'conversation id;', "conversation field:email;\nfield email;",
            "strict on;\nfield t;\nconversation field:t;";

    warned('conversation field:ticket;', '"conversation field:ticket" in '
           . 'intake_source "a" without such a field: write "field ticket '
           . 'required;"');

    refused("conversation field:ticket;\nstrict on;\nfield a;",
            '"conversation field:ticket" in intake_source "a" without such a '
            . 'field: write "field ticket required;"');
    refused("conversation field:b;\n$_;", '"conversation field:b" in '
            . 'intake_source "a" is a "honeypot" or the answer of "captcha": '
            . 'name a field that people fill in')
        for 'honeypot b', 'captcha location=/c field=b';
    refused("conversation $_;", '"conversation" in intake_source "a" must be '
            . '"id", or "field:NAME" of a field whose value names the '
            . 'conversation') for 'ids', 'email', 'field:', 'field';
};


subtest 'duplicates' => sub {
    taken("dedupe $_;")
        for 'window=1h', 'window=1h key=body', 'key=none',
            'window=1h on_duplicate=mark';

    refused("stream k;\ndedupe window=1h key=id;", '"key=id" of "dedupe" in '
            . 'intake_source "a": a form has no id of its sender, write '
            . 'key=body', 4);
};


subtest 'reload' => sub {
    my $conf = sub {
        my ($lines) = @_;

        $t->write_file_expand('nginx.conf', <<"EOC");
%%TEST_GLOBALS%%
events {
}
http {
    %%TEST_HTTP%%
    intake_redis { server %%REDIS%%; }

    intake_source a {
        form;
        field    name required max=100;
        field    email type=email "pattern=.*\@a\\.example";
        token    secret=file:token.key;
        spam     words=words.txt domains=many.txt;
        attachments path=uploads max=1m;
        $lines
    }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        location = /a { intake a; }
    }
}
EOC
    };

    $t->redis();
    $conf->('');
    $t->run();
    ok($t->reload(), 'the same again') for 1 .. 3;

    $conf->('honeypot fax;');
    ok($t->reload(), 'another');

    $t->expect_log(qr/field "fax" of intake_source "a"/);
    $conf->("honeypot fax;\nfield fax;");
    ok(!$t->reload(), 'a wrong one is refused');
    $conf->('');
    ok($t->reload(), 'and a right one taken');
    ok(-d "$t->{dir}/uploads", 'the folder of the files is there');
};


subtest 'sizes' => sub {
    my ($conf, $n) = ('', 0);

    my @sources = (
        ['', 1], ['max_body 2m;', 2],
        ['attachments path=uploads max=1m count=2;', 3],
        ['attachments path=uploads max=1m count=2; max_body 2m;', 2],
        ['attachments path=uploads;', 101],
        ['attachments path=uploads max=512m count=1000;', 512]);

    my $locations = '';

    for (@sources) {
        $conf .= "intake_source s$n { form; $_->[0] }\n";
        $locations .= "location = /s$n { intake s$n; }\n";
        $n++;
    }

    $t->write_file_expand('nginx.conf', <<"EOC");
%%TEST_GLOBALS%%
events {
}
http {
    %%TEST_HTTP%%
    intake_redis { server %%REDIS%%; }
    $conf
    server {
        listen 127.0.0.1:%%PORT_0%%;
        $locations
    }
}
EOC

    ok($t->reload(), 'reload');

    # nginx itself refuses by the head; what it takes waits for the body

    for my $n (0 .. $#sources) {
        my ($lines, $megabytes) = @{$sources[$n]};
        my $size = $megabytes * 1024 * 1024;

        for ([$size, 100], [$size + 1, 413]) {
            my ($length, $status) = @$_;
            my $http = $t->http();

            $http->write("POST /s$n HTTP/1.1\r\nHost: a\r\n"
                         . "Content-Length: $length\r\n"
                         . "Expect: 100-continue\r\n"
                         . "Connection: close\r\n\r\n");

            is($http->response('POST')->status, $status,
               "form; $lines $length");
            $http->close();
        }
    }
};


$t->finish();
