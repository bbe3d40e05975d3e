#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The rules of a form's fields: what is refused, with which code, and what is
# stored of what is not.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Encode qw(encode);
use Test::More;

use Intake::FormCases;
use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis();

# each source NAME is a form of its own

my %forms = (
    free => 'client_ip on;',
    one => 'field name required max=10;
            field mail required type=email "label=Your address";
            field text;',
    types => 'field tel type=tel; field url type=url;
              field n type=number min=-2.5 max=10;
              field day type=date min=2026-01-01 max=2026-12-31;
              field pick type=choice "values=a|b c";
              field text min=2 max=5; field ten max=10;
              field zip "pattern=[0-9]{5}";
              field lines "pattern=a\nb|c";',
    several => 'field to multiple required type=choice "values=x|y";
                field mail type=email multiple; field once;',
    strict => 'strict on; field name; field subject;',
    talk => 'conversation field:ticket;',
    pots => 'honeypot trap extra; field name required;',
    words => 'field _subject max=10; field _utm; field _cc;',
    lines => 'field title line; field Subject; field your-name;
              field form[first_name] max=10; field message; field to[] multiple;
              field zip line "pattern=[0-9]+";',
);

my $sources = join '', map { <<"EOC" } sort keys %forms;
    intake_source $_ {
        form;
        dedupe  window=1h key=none;
        $forms{$_}
    }
EOC

my $locations = join '',
    map { "        location = /$_ { intake $_; }\n" } sort keys %forms;

$t->write_file_expand('nginx.conf', <<"EOC");

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    intake_redis { server %%REDIS%%; }

$sources
    server {
        listen  127.0.0.1:%%PORT_0%%;

$locations
        location = /status { intake_status; }
    }
}
EOC

$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');


# name, value, ...

sub encoded {
    my @pairs = map { encode('UTF-8', $_) =~ s/([^\w.-])/sprintf '%%%02X',
                                              ord $1/gear } @_;
    my $body = '';

    while (my ($name, $value) = splice @pairs, 0, 2) {
        $body .= ($body eq '' ? '' : '&') . "$name=$value";
    }

    return $body;
}


sub send_form {
    my ($source, @fields) = @_;
    return $t->post("/$source", encoded(@fields),
        ['Content-Type' => 'application/x-www-form-urlencoded']);
}


sub count { $redis->command('XLEN', "intake:{$_[0]}") }


# that it is stored, and as what: [NAME, [VALUE...]]...

sub is_stored {
    my ($source, $fields, $expected, $name) = @_;
    my $before = count($source);
    my $res = send_form($source, @$fields);
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is($res->status, 200, "$name: taken") or return diag($res->body);
    is(count($source) - $before, 1, "$name: one entry");

    my ($row) = @{$redis->command('XREVRANGE', "intake:{$source}", '+', '-',
                                  'COUNT', 1)};
    my %entry = @{$row->[1]};
    is_deeply(parse_data($entry{data}), $expected, "$name: its data");
}


# that it is not: "FIELD CODE", ... or another code of the whole

sub is_refused {
    my ($source, $fields, $expected, $name, $code) = @_;
    my $before = count($source);
    my $res = send_form($source, @$fields);
    my $json = eval { $res->json } || {};
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is($res->status . ' ' . ($json->{code} // ''),
       '422 ' . ($code // 'VALIDATION_FAILED'), "$name: refused");
    is_deeply([map { defined $_->{field} ? "$_->{field} $_->{code}" : () }
               @{$json->{errors} || []}], $expected, "$name: why");
    is(count($source), $before, "$name: not stored");
}


sub one { my ($n, $m, @more) = @_; return ['name', $n, 'mail', $m, @more] }


subtest 'required' => sub {
    is_stored('one', one('Ann', 'a@b.example'),
              [['name', ['Ann']], ['mail', ['a@b.example']]], 'the least');
    is_refused('one', ['text', 'x'],
               ['name REQUIRED_FIELD_MISSING', 'mail REQUIRED_FIELD_MISSING'],
               'missing');
    is_refused('one', one("\x{3000} \r\n", '', 'text', 'x'),
               ['name REQUIRED_FIELD_EMPTY', 'mail REQUIRED_FIELD_EMPTY'],
               'nothing but white space');
    is_refused('one', ['mail', 'no', 'name', 'x' x 11],
               ['name TOO_LONG', 'mail TYPE_EMAIL'],
               'all at once, in the order of the form');
    is_stored('one', one('x' x 10, " a\@b.example\n"),
              [['name', ['x' x 10]], ['mail', ['a@b.example']]],
              'an address is trimmed');
    is_refused('one', ['name', 'x', 'name', 'y', 'mail', 'a@b'],
               ['name DUPLICATE_FIELD'], 'twice');
};


subtest 'lengths' => sub {
    my $wide = "\x{1f600}" x 5;

    is_stored('types', ['ten', 'é' x 10], [['ten', ['é' x 10]]],
              'ten of two bytes');
    is_stored('types', ['ten', $wide], [['ten', [$wide]]],
              'five of two units');
    is_refused('types', ['ten', "${wide}x"], ['ten TOO_LONG'],
               'eleven units');
    is_stored('types', ['ten', "1\r\n3\r5\n789A"],
              [['ten', ["1\n3\n5\n789A"]]], 'a line end is one');
    is_refused('types', ['text', 'x'], ['text TOO_SHORT'], 'too short');
    is_refused('types', ['text', '123456'], ['text TOO_LONG'], 'too long');
    is_stored('types', ['text', '', 'n', '1'],
              [['text', ['']], ['n', ['1']]], 'empty is another rule');
};


subtest 'types' => sub {
    my %good = (
        tel => ['+1 (555) 010-9999', '110'],
        url => ['https://example.com/?a=b#c', 'http://[::1]:8080/'],
        n => ['-2.5', '10', '1e1', '-.5'],
        day => ['2026-01-01', '2026-12-31'],
        pick => ['a', 'b c', ' a '],
        zip => ['12345'],
        lines => ["a\r\nb", "a\nb", 'c'],
    );
    my %bad = (
        tel => { 'call me' => 'TYPE_TEL', "110\r\n" => 'CONTROL_CHARACTERS' },
        url => { 'javascript:x' => 'TYPE_URL', 'example.com' => 'TYPE_URL' },
        n => { one => 'TYPE_NUMERIC', '-2.6' => 'RANGE_UNDERFLOW',
               '10.1' => 'RANGE_OVERFLOW', '+1' => 'TYPE_NUMERIC' },
        day => { '2026-02-30' => 'TYPE_DATE', '2025-12-31' =>
                 'RANGE_UNDERFLOW', '2027-01-01' => 'RANGE_OVERFLOW' },
        pick => { c => 'NOT_ONE_OF', 'a|b c' => 'NOT_ONE_OF',
                  A => 'NOT_ONE_OF' },
        zip => { 1234 => 'PATTERN', 123456 => 'PATTERN',
                 "12345\n" => 'PATTERN', "x\n12345" => 'PATTERN' },
        lines => { "a\n\nb" => 'PATTERN', "c\n" => 'PATTERN',
                   "d\nc" => 'PATTERN' },
    );

    for my $field (sort keys %good) {
        for my $value (@{$good{$field}}) {
            is_stored('types', [$field, $value],
                      [[$field, [$value =~ s/\r\n/\n/r]]], "$field $value");
        }
    }

    for my $field (sort keys %bad) {
        for my $value (sort keys %{$bad{$field}}) {
            is_refused('types', [$field, $value],
                       ["$field $bad{$field}{$value}"], "$field $value");
        }
    }
};


subtest 'several' => sub {
    is_stored('several', ['to', 'x', 'text', '1', 'to', 'y', 'text', '2'],
              [['to', ['x', 'y']], ['text', ['1', '2']]], 'in order');
    is_stored('several', ['to', '', 'to', 'x'], [['to', ['', 'x']]],
              'one of them says something');
    is_refused('several', ['to', '', 'to', ' ', 'once', 'x'],
               ['to REQUIRED_FIELD_EMPTY'], 'none does');
    is_refused('several', ['to', 'x', 'to', 'z'], ['to NOT_ONE_OF'],
               'each is looked at');
    is_refused('several', ['to', 'x', 'once', 'a', 'once', 'a'],
               ['once DUPLICATE_FIELD'], 'one is enough');
    is_stored('several', ['to', 'x', 'mail', 'a@b, c@d', 'mail', 'e@f'],
              [['to', ['x']], ['mail', ['a@b, c@d', 'e@f']]], 'addresses');
    is_refused('several', ['to', 'x', 'mail', "a\@b,\nc\@d"],
               ['mail CONTROL_CHARACTERS'], 'in one line');
};


subtest 'strict' => sub {
    is_stored('strict', ['name', 'x', '_cc', 'a@b', '_next', '/', '_gotcha',
                         ''], [['name', ['x']]], 'what is known');
    is_stored('strict', ['name', 'x', '_subject', 's', '_replyto', 'a@b'],
              [['name', ['x']], ['_subject', ['s']], ['_replyto', ['a@b']]],
              'words of ours');
    is_refused('strict', ['b', '1', 'name', 'x', 'a', '2', 'b', '3',
                          'email', 'a@b'],
               ['b UNKNOWN_FIELD', 'a UNKNOWN_FIELD', 'email UNKNOWN_FIELD'],
               'what is not');
    is_refused('strict', ['Name', 'x'], ['Name UNKNOWN_FIELD'],
               'another case');
    is_stored('free', ['b', '1', 'a[]', '2', 'a.b', '3', 'email', 'a@b'],
              [['b', ['1']], ['a[]', ['2']], ['a.b', ['3']],
               ['email', ['a@b']]], 'without it all is kept');
};


subtest 'lines' => sub {
    my $controls = join '', map { chr } 0 .. 8, 11, 12, 14 .. 31, 127 .. 159;

    is_stored('free', ['text', "a\r\nb\rc\nd\te"],
              [['text', ["a\nb\nc\nd\te"]]], 'end with LF');
    is_stored('free', ['text', "<$controls>"],
              [['text', ['<' . "\x{fffd}" x length($controls) . '>']]],
              'no other controls');

    for my $name (qw(subject _subject email _replyto replyto)) {
        for my $value ("Hi\r\nBcc: x\@y", "Hi\nBcc: x\@y", "Hi\0", "a\x{85}b",
                       "a\x{2028}b", "a\tb")
        {
            is_refused('free', [$name, $value],
                       ["$name CONTROL_CHARACTERS"],
                       "$name " . sprintf '%vX', $value);
        }

        is_stored('free', [$name, 'Grüße'], [[$name, ['Grüße']]], $name);
    }

    my $two = "Hi\r\nBcc: all\@victim.example";

    for my $name (qw(Subject Email E-Mail name Name first_name your-name from
                     From to cc Bcc reply-to Reply_To your-subject your-email
                     contact[email] form.subject sender-name))
    {
        is_refused('free', [$name, $two], ["$name CONTROL_CHARACTERS"], $name);
        is_stored('free', [$name, 'Grüße'], [[$name, ['Grüße']]],
                  "$name, one line");
    }

    for my $name (qw(message your-message comment comments body text notes
                     e-mail-body question names))
    {
        is_stored('free', [$name, $two], [[$name, [$two =~ s/\r//r]]],
                  "$name may have lines");
    }

    for my $name (qw(title Subject your-name form[first_name] to[])) {
        is_refused('lines', [$name, "a\nb"], ["$name CONTROL_CHARACTERS"],
                   "$name with rules");
    }

    is_refused('talk', ['ticket', "1\n2"], ['ticket CONTROL_CHARACTERS'],
               'who waits');
    is_refused('lines', ['zip', "1\n2"], ['zip CONTROL_CHARACTERS'],
               'a pattern beside it');
    is_refused('lines', ['zip', 'x'], ['zip PATTERN'], 'and that');
    is_stored('lines', ['title', 'a', 'message', "b\nc"],
              [['title', ['a']], ['message', ["b\nc"]]], 'a line and lines');

    is_refused('strict', ['subject', "a\nb"], ['subject CONTROL_CHARACTERS'],
               'a subject with rules');
    is_refused('words', ['_subject', "a\nb"], ['_subject CONTROL_CHARACTERS'],
               'another');
    is_refused('words', ['_subject', 'x' x 11], ['_subject TOO_LONG'],
               'its own rule');
};


subtest 'words' => sub {
    is_stored('free', ['a', 'x', map { ($_, 'w') }
                       qw(_next _redirect redirect _token _charset_ _CharSet_
                          cf-turnstile-response h-captcha-response
                          g-recaptcha-response frc-captcha-response
                          mcaptcha__token altcha _cc _to _webhook _x)],
              [['a', ['x']]], 'are left out');
    is_stored('free', ['webhook', 'w', 'cc', 'a@b'],
              [['webhook', ['w']], ['cc', ['a@b']]],
              'these mean nothing and are kept');
    is_stored('pots', ['name', 'x', 'trap', '', '_gotcha', ''],
              [['name', ['x']]], 'honeypots are left out');

    is_stored('words', ['_utm', 'q', '_x', '1', 'm', 'w', '_cc', 'a@b'],
              [['_utm', ['q']], ['m', ['w']], ['_cc', ['a@b']]],
              'but what the operator has named is kept');
    is_stored('words', ['_utm', 'alone'], [['_utm', ['alone']]],
              'it is something to send');
    is_refused('words', ['_cc', "a\@b\nBcc: c\@d"],
               ['_cc CONTROL_CHARACTERS'], 'in one line where it must be');

    my @lines = $t->error_log_lines(qr/"free" has .* that are reserved/);
    like($lines[0], qr/\[info\].* has 4 fields .* "_cc"/,
         'the log tells of what nobody knows');

    send_form('free', 'a', 'x', '_' . "\n\x1b[31m\"é" . 'y' x 100, '');
    my ($line) = $t->error_log_lines(qr/the first is "_\?/);
    like($line, qr/"_\?\?\[31m\?\?\?y{54}"/, 'which is no danger to it');
};


subtest 'nothing' => sub {
    is_refused('free', [], [], 'no field', 'EMPTY');
    is_refused('free', ['a', '', 'b', ''], [], 'no text', 'EMPTY');
    is_refused('free', ['', 'x'], [], 'no name', 'EMPTY');
    is_refused('free', ['_next', '/x', '_token', 'x', '_gotcha', 'x', '_z',
                        'x'], [], 'words alone', 'EMPTY');
    is_refused('one', ['name', ''],
               ['name REQUIRED_FIELD_EMPTY', 'mail REQUIRED_FIELD_MISSING'],
               'what is asked for', 'EMPTY');

    my $res = $t->post('/free', '');
    is($res->status . $res->json->{code}, '422EMPTY', 'not even a type');

    $res = $t->post('/free', 'a=b');
    is($res->status . $res->json->{code}, '415UNSUPPORTED_MEDIA_TYPE',
       'a body needs one');

    $res = $t->post('/free', 'x',
                    ['Content-Type' => 'multipart/form-data']);
    is($res->status . $res->json->{code}, '400MALFORMED', 'no boundary');
    like($res->json->{detail}, qr/do not set Content-Type yourself/,
         'in plain words');

    # white space is something: `required` says that it is not enough

    is_stored('free', ['a', '  ', 'b', ' '], [['a', ['  ']], ['b', [' ']]],
              'white space alone');
};


subtest 'two types' => sub {
    my @type = ('Content-Type' => 'application/x-www-form-urlencoded');

    for my $other ('text/plain', 'application/json', '',
                   'application/x-www-form-urlencoded; charset=utf-8')
    {
        my $res = $t->post('/free', 'a=b', [@type, 'Content-Type' => $other]);
        my $name = $other || 'none';

        is($res->status . ($res->json->{code} // ''), '400MALFORMED',
           "$name: which one holds?");
        like($res->json->{detail}, qr/more than one/, "$name: in plain words");
    }

    is($t->post('/free', 'a=b', [@type, @type])->status, 200, 'one, twice');
};


$t->finish();
