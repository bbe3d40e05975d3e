#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The forms of the demo site in a headless Chromium, with JavaScript and
# without.  Pictures of what was seen are left in build/screenshots.

use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(make_path);
use JSON::PP;
use Test::More;

use Intake::Browser;
use Intake::Demo;
use Intake::Test;


plan skip_all => 'NO BROWSER: there is no chromium, and none could be'
                 . ' installed: no form was tried as visitors use it'
    unless Intake::Browser->program();

my $t = Intake::Test->new();
my $demo = Intake::Demo->new($t);
my $redis = $t->redis(name => 'redis');
my $album = Intake::Test->root() . '/build/screenshots';

make_path($album, $t->dir() . '/browser');

# a browser is quicker than a person: many forms a minute, few seconds each

# without a spool, so that a visitor is told when Redis is away

$demo->conf(sub { s/burst=\d+/burst=1000/gr =~ s/^ *intake_spool .*;$//mgr });
$t->run();
ok($t->wait_for(sub { $t->get('/status?health', undef, port => 1)->status
                      == 200 }), 'ready');

my $browser = Intake::Browser->new(dir => $t->dir() . '/browser');
my $site = 'http://127.0.0.1:' . $t->port();
my %seen = map { $_ => 0 } qw(contact comments);


# What a source has stored since the last call: the `data` of each.

sub stored {
    my ($source) = @_;
    my @rows = $redis->entries("intake:{$source}");
    my @new = @rows[$seen{$source} .. $#rows];

    $seen{$source} = @rows;

    return map { { %{$_->{fields}}, data => decode_json($_->{fields}{data}) } }
           @new;
}


sub picture {
    my ($page, $name) = @_;

    for my $width (360, 768, 1280) {
        for my $dark (0, 1) {
            $page->window(width => $width, dark => $dark);
            $page->picture("$album/$name-$width-"
                           . ($dark ? 'dark' : 'light') . '.png');
        }
    }

    $page->window(width => 320);
    is($page->overflow(), 0, "$name: nothing sticks out at 320 pixels");
    $page->window();
}


sub fill_in {
    my ($page, %fields) = @_;
    $page->type("#$_", $fields{$_}) for sort keys %fields;
}


my $text = "Hello <b>there</b> & \"you\",\n\nit squeaks – ça va?\n";
my %contact = (name => 'Ann Lee', email => 'ann@example.org',
               message => $text);
my @page = ("$site/contact.html", 'button');


# fill in, send, see the thank-you

for my $scripts (0, 1) {
    my $name = $scripts ? 'with scripts' : 'without scripts';
    my $page = $browser->page(scripts => $scripts);

    $page->go("$site/contact.html");
    picture($page, 'contact') if $scripts;
    fill_in($page, %contact, name => "Ann $name");
    $page->value('document.querySelector("#topic").value = "repair"');

    if ($scripts) {
        $page->click('button');
        ok($page->appears('section h2'), "$name: it was sent");
        is($page->focused(), 'h2', "$name: thanks have the focus");
        picture($page, 'contact-thanks-script');

    } else {
        $page->leads(sub { $page->click('button') });
        is($page->url(), "$site/thanks.html", "$name: another page");
        picture($page, 'contact-thanks');
    }

    like($page->text($scripts ? 'section' : 'main'),
         qr/Thank you\s+Your message was sent/, "$name: thanks");

    my ($entry, @more) = stored('contact');

    is(@more, 0, "$name: one entry");
    is_deeply($entry->{data}, { name => ["Ann $name"], topic => ['repair'],
                                email => ['ann@example.org'],
                                message => [$text] }, "$name: what it has");
    unlike($entry->{intakespam} // '', qr/token|honeypot|cross|shape/,
           "$name: the token came along, the honeypot is empty");
    is_deeply([$page->complaints()], [], "$name: nothing in the console");
}


# wrong, with scripts: beside the fields, for eyes and ears

{
    my $page = $browser->page();

    $page->go("$site/contact.html");
    fill_in($page, name => 'Ann', email => 'ann@', message => "$text!");
    $page->click('button');
    ok($page->appears('#email-error'), 'wrong: it is said');
    is($page->property('#email-error', 'nextElementSibling.id'), 'email',
       'wrong: beside its field');
    is($page->focused(), 'email', 'wrong: the field has the focus');
    is_deeply([$page->spoken('#email')],
              ['E-mail', 'Enter an e-mail address like name@example.com',
               'true'], 'wrong: so it is read out');
    is($page->property('#message', 'value'), "$text!",
       'wrong: the text is still there');
    ok(!$page->property('#name-error', 'id'), 'wrong: others are not');
    picture($page, 'contact-wrong-script');
    is(stored('contact'), 0, 'wrong: nothing is stored');

    # the first of several

    fill_in($page, name => ' ', email => 'ann@', message => $text);
    $page->click('button');
    ok($page->appears('#name-error'), 'wrong twice: it is said');
    is($page->focused(), 'name', 'wrong twice: the first has the focus');
    is(($page->spoken('#files'))[1],
       'Up to 3 pictures, PDFs or texts of 2 MB each.',
       'wrong twice: hints stay');

    # what a person then corrects

    fill_in($page, name => 'Ann', email => 'ann@example.org');
    $page->click('button');
    ok($page->appears('section h2'), 'corrected: sent');
    is(stored('contact'), 1, 'corrected: stored');
    is_deeply([$page->complaints()], [], 'wrong: nothing in the console');
}


# wrong, without scripts: a page of ours with what was written

{
    my $page = $browser->page(scripts => 0);

    $page->go("$site/contact.html");
    fill_in($page, name => ' ', email => 'ann@example.org',
            message => "$text</textarea>");
    $page->leads(sub { $page->click('button') });

    is($page->property('title', 'text'), 'Error: The form has errors',
       'a page: its title');
    like($page->text('ul'), qr/^Name: Fill in "Name"$/, 'a page: the error');
    is($page->value('[...document.querySelectorAll("textarea")]'
                    . '.map(e => e.value).join("|")'),
       " |ann\@example.org|$text</textarea>",
       'a page: what was written');
    is(($page->spoken('textarea'))[0], 'Name', 'a page: with its label');
    picture($page, 'page-422');

    $page->back();
    is($page->property('#message', 'value'), "$text</textarea>",
       'back: the text is still there');
    $page->type('#name', 'Ann');
    $page->leads(sub { $page->click('button') });
    is($page->url(), "$site/thanks.html", 'back: sent');

    my ($entry) = stored('contact');
    is($entry->{data}{message}[0], "$text</textarea>", 'back: stored');


    # and again

    $page->back();
    is($page->property('#name', 'value'), 'Ann', 'back again');
    $page->leads(sub { $page->click('button') });
    is($page->url(), "$site/thanks.html", 'not edited: thanks');
    is(stored('contact'), 0, 'not edited: the same message');

    $page->back();
    $page->type('#message', 'Another thing: the bell.');
    $page->leads(sub { $page->click('button') });
    is($page->url(), "$site/thanks.html", 'edited: thanks');
    is_deeply([map { $_->{data}{message}[0] } stored('contact')],
              ['Another thing: the bell.'], 'edited: a new message');
    is_deeply([$page->complaints()], [], 'without scripts: no complaints');
}


# a double click; without scripts the browser may send it once or twice

for my $scripts (0, 1) {
    my $name = 'a double click ' . ($scripts ? 'with' : 'without')
               . ' scripts';
    my $page = $browser->page(scripts => $scripts);
    my @before = $demo->logged(qr/ contact /);

    $page->go("$site/contact.html");
    fill_in($page, %contact, name => $name);

    if ($scripts) {
        $redis->command('CLIENT', 'PAUSE', 60000, 'WRITE');
        $page->click('button', times => 2);
        is($page->property('button', 'ariaDisabled'), 'true',
           "$name: the button waits");
        $redis->command('CLIENT', 'UNPAUSE');
        ok($page->appears('section h2'), "$name: thanks");
        is(scalar $demo->logged(qr/ contact /), @before + 1,
           "$name: one request");

    } else {
        $page->leads(sub { $page->click('button', times => 2) });
        is($page->url(), "$site/thanks.html", "$name: thanks");
    }

    is(stored('contact'), 1, "$name: one entry");
}


# files

for my $scripts (0, 1) {
    my $name = $scripts ? 'files with scripts' : 'files without scripts';
    my $page = $browser->page(scripts => $scripts);
    my @files = map { $t->write_file("upload/$_->[0]", $_->[1]) }
                ["bell $scripts.txt", "ding $scripts\n"],
                ["größe.pdf", "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n$scripts\n"];

    $page->go("$site/contact.html");
    fill_in($page, %contact, name => $name);
    $page->choose_files('#files', @files);

    if ($scripts) {
        $page->click('button');
        ok($page->appears('section h2'), "$name: sent");

    } else {
        $page->leads(sub { $page->click('button') });
        is($page->url(), "$site/thanks.html", "$name: sent")
            or diag($page->text('main'));
    }

    my ($entry) = stored('contact');
    my $kept = decode_json($entry->{intakefiles} // '[]');

    is_deeply([map { [@$_{qw(field name)}] } @$kept],
              [['files', "bell $scripts.txt"], ['files', 'größe.pdf']],
              "$name: their names");
    is($t->read_file($kept->[0]{path}), "ding $scripts\n",
       "$name: their content") if $kept->[0];
}

{
    my $page = $browser->page();

    $page->go("$site/contact.html");
    fill_in($page, %contact, name => 'a program');
    $page->choose_files('#files',
                        $t->write_file('upload/a.txt', "\x7fELF\x02\x01\x01"
                                                       . "\0" x 100));
    $page->click('button');
    ok($page->appears('#files-error'), 'a program: it is said');
    is_deeply([($page->spoken('#files'))[1, 2]],
              ['A file of this type is not taken as "Files" '
               . 'Up to 3 pictures, PDFs or texts of 2 MB each.', 'true'],
              'a program: so it is read out');
    is($page->focused(), 'files', 'a program: the field has the focus');
    is(stored('contact'), 0, 'a program: nothing is stored');
}


# by the keyboard alone

for my $scripts (0, 1) {
    my $name = 'keys ' . ($scripts ? 'with' : 'without') . ' scripts';
    my $page = $browser->page(scripts => $scripts);
    my @path;

    $page->go("$site/contact.html");

    for my $keys (undef, undef, undef, 'Key', 'key@example.org', 'ArrowDown',
                  'By keys alone', undef)
    {
        $page->press('Tab');
        push @path, $page->focused();

        if (!defined $keys) {
            next;
        } elsif ($keys eq 'ArrowDown') {
            $page->press($keys);
        } else {
            $page->keys("$keys $scripts" =~ s/(\@.*) \d/$1/r);
        }
    }

    $page->press('Tab');
    push @path, $page->focused();

    is_deeply(\@path, [qw(a a a name email topic message files button)],
              "$name: the way, past the honeypot");
    picture($page, 'contact-focus') if $scripts;

    if ($scripts) {
        $page->press('Space');
        ok($page->appears('section h2'), "$name: sent");

    } else {
        $page->press('Shift+Tab', 'Shift+Tab', 'Shift+Tab', 'Shift+Tab');
        is($page->focused(), 'email', "$name: and back");
        $page->leads(sub { $page->press('Enter') });
        is($page->url(), "$site/thanks.html", "$name: sent");
    }

    is_deeply([map { $_->{data} } stored('contact')],
              [{ name => ["Key $scripts"], email => ['key@example.org'],
                 topic => ['order'], message => ["By keys alone $scripts"] }],
              "$name: stored");
}


# comments

for my $scripts (0, 1) {
    my $name = 'a comment ' . ($scripts ? 'with' : 'without') . ' scripts';
    my $page = $browser->page(scripts => $scripts);

    $page->go("$site/blog/tyres.html");
    picture($page, 'comments') if $scripts;
    fill_in($page, comment => "Mine are wider. $scripts", name => ' ',
            website => 'https://ann.example/');

    if ($scripts) {
        $page->click('button');
        ok($page->appears('#name-error'), "$name: wrong");
        is($page->focused(), 'name', "$name: wrong: the focus");
        $page->type('#name', 'Ann');
        $page->click('button');
        ok($page->appears('section h2'), "$name: sent");
        picture($page, 'comment-thanks-script');

    } else {
        $page->leads(sub { $page->click('button') });
        is($page->url(), "$site/blog/error.html"
           . '?form_error=name:REQUIRED_FIELD_EMPTY#form-error',
           "$name: wrong: another page");
        like($page->text('.error'), qr/^Give a name/, "$name: it is said");
        picture($page, 'comment-wrong');
        $page->back();
        is($page->property('#comment', 'value'), "Mine are wider. $scripts",
           "$name: back: the text is still there");
        $page->type('#name', 'Ann');
        $page->leads(sub { $page->click('button') });
        is($page->url(), "$site/blog/thanks.html", "$name: sent");
        picture($page, 'comment-thanks');
    }

    my ($entry, @more) = stored('comments');

    is_deeply([@more], [], "$name: stored once");
    is_deeply($entry->{data},
              { post => ['tyres'], comment => ["Mine are wider. $scripts"],
                name => ['Ann'], email => [''],
                website => ['https://ann.example/'] },
              "$name: what it has");
    is($entry->{intakeip}, undef, "$name: no address");
    like($entry->{intakespam} // '', qr/^(?:2 too_fast)?$/,
         "$name: not suspected, but for the speed of a browser");
    is_deeply([$page->complaints()], [], "$name: nothing in the console");
}


# a bot that fills in everything hears what people hear

{
    my $page = $browser->page();

    $page->go("$site/contact.html");
    fill_in($page, %contact, name => 'Bot');
    $page->value('document.querySelector("#reference").value = "x";'
                 . 'document.querySelector("[name=_token]").value ='
                 . ' "v1.contact.1.a.b"; 0');
    $page->click('button');
    ok($page->appears('section h2'), 'a bot: thanks');
    is(stored('contact'), 0, 'a bot: not among the messages');
    is(scalar $redis->entries('intake:{contact}:spam'), 1, 'a bot: set apart');
}


# the site's other pages

for my $uri ('/', '/thanks.html', '/blog/thanks.html') {
    my $page = $browser->page(width => 320);

    $page->go("$site$uri");
    is($page->overflow(), 0, "$uri: nothing sticks out");
    is_deeply([$page->complaints()], [], "$uri: no complaints");
    picture($page, 'front') if $uri eq '/';
}


# Redis away

for my $scripts (0, 1) {
    my $name = 'no Redis, ' . ($scripts ? 'with' : 'without') . ' scripts';
    my $page = $browser->page(scripts => $scripts);

    $page->go("$site/contact.html");
    fill_in($page, %contact, name => $name);
    $redis->stop();

    if ($scripts) {
        $page->click('button');
        ok($page->appears('form > .error:not([hidden])'), "$name: it is said");
        like($page->text('form > .error'),
             qr/send it again in half a minute\.$/,
             "$name: what to do");
        is($page->value('document.activeElement.className'), 'error',
           "$name: the focus");
        is($page->property('#message', 'value'), $text,
           "$name: the text is still there");
        picture($page, 'contact-503-script');

        $redis->start();
        $seen{contact} = 0;
        $t->wait_for(sub { $t->get('/status?health', undef, port => 1)->status
                           == 200 });
        $page->click('button');
        ok($page->appears('section h2'), "$name: and sent again");
        is((stored('contact'))[0]{data}{name}[0], $name, "$name: stored");

    } else {
        $page->leads(sub { $page->click('button') });
        is($page->property('title', 'text'),
           'Error: Your message could not be sent', "$name: the page");
        is($page->value('[...document.querySelectorAll("textarea")]'
                        . '.map(e => e.value).join("|")'),
           "$name|ann\@example.org|$text", "$name: what was written");
        picture($page, 'page-503');
    }
}


# too many

$demo->conf();
ok($t->reload(), 'as many as people send');

for my $scripts (0, 1) {
    my $name = 'too many, ' . ($scripts ? 'with' : 'without') . ' scripts';
    my $page = $browser->page(scripts => $scripts);

    $page->go("$site/contact.html");
    fill_in($page, %contact, name => $name);

    for (1 .. 20) {
        last if $t->post('/forms/contact', '', ['Accept' => '*/*'])->status
                == 429;
    }

    if ($scripts) {
        $page->click('button');
        ok($page->appears('form > .error:not([hidden])'), "$name: it is said");
        is($page->property('#message', 'value'), $text,
           "$name: the text is still there");

    } else {
        $page->leads(sub { $page->click('button') });
        like($page->property('title', 'text'), qr/^Error: /,
             "$name: the page");
        is($page->value('[...document.querySelectorAll("textarea")]'
                        . '.map(e => e.value).join("|")'),
           "$name|ann\@example.org|$text", "$name: what was written");
        picture($page, 'page-429');
        $page->back();
        is($page->property('#message', 'value'), $text,
           "$name: back: the text is still there");
    }
}


# a page of thanks of ours

$demo->conf(sub { s/^ *redirect .*;$//mgr =~ s/burst=\d+/burst=1000/gr });
ok($t->reload(), 'no page of thanks');

{
    my $page = $browser->page(scripts => 0);

    $page->go("$site/contact.html");
    fill_in($page, %contact, name => 'Ours');
    $page->leads(sub { $page->click('button') });
    is($page->text('h1'), 'Thank you', 'a page of thanks of ours');
    picture($page, 'page-200');

    my $number = $page->text('main') =~ s/.*number is (\S+)\..*/$1/sr;

    is(stored('contact'), 1, 'stored');
    $page->reload();
    like($page->text('main'), qr/number is \Q$number\E\./,
         'loaded anew: the same number');
    is(stored('contact'), 0, 'loaded anew: the same message');
    $page->leads(sub { $page->click('a') });
    is($page->url(), "$site/contact.html", 'and the way back');
}


$browser->close();
$t->finish();
