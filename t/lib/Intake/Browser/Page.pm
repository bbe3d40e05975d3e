package Intake::Browser::Page;

# Copyright (C) nginx-intake contributors

# One page of Intake::Browser, used as a person uses it: by clicks and keys.
# SELECTOR is that of CSS.

use strict;
use warnings;

use JSON::PP ();
use MIME::Base64 qw(decode_base64);

use Intake::Process;

my %keys = (
    Tab => { code => 'Tab', windowsVirtualKeyCode => 9 },
    Enter => { code => 'Enter', windowsVirtualKeyCode => 13, text => "\r" },
    Space => { code => 'Space', key => ' ', windowsVirtualKeyCode => 32,
               text => ' ' },
    ArrowDown => { code => 'ArrowDown', windowsVirtualKeyCode => 40 },
);


sub new {
    my ($class, $browser, $session, %opt) = @_;
    my $self = bless { browser => $browser, session => $session, loads => 0,
                       complaints => [] }, $class;

    $browser->listen_to($session, $self);
    $self->call("$_.enable") for qw(Page Runtime Log DOM);
    $self->call('Emulation.setScriptExecutionDisabled',
                { value => JSON::PP::true })
        if exists $opt{scripts} && !$opt{scripts};
    $self->window(%opt);

    return $self;
}


sub call {
    my ($self, $method, $params) = @_;
    return $self->{browser}->call($method, $params, $self->{session});
}


sub event {
    my ($self, $name, $params) = @_;

    if ($name eq 'Page.loadEventFired'
        || $name eq 'Page.frameNavigated'
           && ($params->{type} // '') eq 'BackForwardCacheRestore')
    {
        $self->{loads}++;

    } elsif ($name eq 'Log.entryAdded') {
        my $entry = $params->{entry};

        # of the network: what was answered with 400 or more
        push @{$self->{complaints}}, $entry->{text}
            if $entry->{level} eq 'error' && $entry->{source} ne 'network';

    } elsif ($name eq 'Runtime.exceptionThrown') {
        push @{$self->{complaints}},
            $params->{exceptionDetails}{exception}{description}
            // $params->{exceptionDetails}{text};
    }
}


sub complaints { @{$_[0]{complaints}} }


sub window {
    my ($self, %opt) = @_;

    $self->call('Emulation.setDeviceMetricsOverride', {
        width => $opt{width} // 800, height => $opt{height} // 900,
        deviceScaleFactor => 1, mobile => JSON::PP::false });
    $self->call('Emulation.setScrollbarsHidden',
                { hidden => JSON::PP::true });
    $self->call('Emulation.setEmulatedMedia', { features => [
        { name => 'prefers-color-scheme',
          value => $opt{dark} ? 'dark' : 'light' }] });
}


# Going elsewhere.

sub go {
    my ($self, $url) = @_;

    $self->leads(sub { $self->call('Page.navigate', { url => $url }) });
}


sub back {
    my ($self) = @_;
    my $history = $self->call('Page.getNavigationHistory');
    my $entry = $history->{entries}[$history->{currentIndex} - 1];

    $self->leads(sub {
        $self->call('Page.navigateToHistoryEntry',
                    { entryId => $entry->{id} }) });
}


# Sends again what led to this page.

sub reload {
    my ($self) = @_;
    $self->leads(sub { $self->call('Page.reload') });
}


# Does something, and waits until the page to which it leads is there.

sub leads {
    my ($self, $sub) = @_;
    my $loads = $self->{loads};

    $sub->();
    $self->{browser}->wait(sub { $self->{loads} > $loads }, 'another page');
}


# What is there.

# The value of an expression of JavaScript, which works even where the page's
# own scripts are off.

sub value {
    my ($self, $expression) = @_;
    my $answer = $self->call('Runtime.evaluate', {
        expression => $expression, returnByValue => JSON::PP::true,
        awaitPromise => JSON::PP::true });

    die "$expression: $answer->{exceptionDetails}{exception}{description}\n"
        if $answer->{exceptionDetails};

    return $answer->{result}{value};
}


sub quoted { JSON::PP->new->allow_nonref->encode($_[0]) }


# A property of an element: undef if there is no such element.

sub property {
    my ($self, $selector, $name) = @_;
    return $self->value('document.querySelector(' . quoted($selector)
                        . ")?.$name");
}


sub text { $_[0]->property($_[1], 'innerText') }
sub url { $_[0]->value('location.href') }


# The id of the element that has the focus, or its name.

sub focused {
    my ($self) = @_;
    return $self->value('document.activeElement.id'
                        . ' || document.activeElement.localName');
}


# Waits until an element is there.

sub appears {
    my ($self, $selector) = @_;

    return Intake::Process::wait_for {
        $self->property($selector, 'localName') } 30;
}


# What a reader of screens says of an element: (name, description, invalid).

sub spoken {
    my ($self, $selector) = @_;
    my $tree = $self->call('Accessibility.getPartialAXTree', {
        nodeId => $self->node($selector), fetchRelatives => JSON::PP::false });
    my $node = $tree->{nodes}[0];
    my ($invalid) = map { $_->{value}{value} }
                    grep { $_->{name} eq 'invalid' } @{$node->{properties}};

    return ($node->{name}{value}, $node->{description}{value},
            $invalid // 'false');
}


sub node {
    my ($self, $selector) = @_;
    my $root = $self->call('DOM.getDocument')->{root}{nodeId};

    return $self->call('DOM.querySelector',
        { nodeId => $root, selector => $selector })->{nodeId};
}


# A picture of the whole page, as a PNG file.

sub picture {
    my ($self, $file) = @_;
    my $data = $self->call('Page.captureScreenshot', {
        format => 'png', captureBeyondViewport => JSON::PP::true })->{data};

    open my $fh, '>:raw', $file or die "$file: $!";
    print $fh decode_base64($data);
    close $fh or die "$file: $!";
}


# Pixels by which the page is wider than its window.

sub overflow {
    my ($self) = @_;
    return $self->value('document.documentElement.scrollWidth'
                        . ' - document.documentElement.clientWidth');
}


# What a person does.

# times: 2 for a double click, whose second half does not wait for what comes
# of the first.

sub click {
    my ($self, $selector, %opt) = @_;
    my $browser = $self->{browser};
    my $place = $self->value('(() => { const e = document.querySelector('
        . quoted($selector) . '); e.scrollIntoView({ block: "center" });'
        . ' const b = e.getBoundingClientRect();'
        . ' return { x: b.x + b.width / 2, y: b.y + b.height / 2 } })()');
    my @sent;

    for my $count (1 .. $opt{times} // 1) {
        for my $type (qw(mousePressed mouseReleased)) {
            push @sent, $browser->send('Input.dispatchMouseEvent', {
                %$place, type => $type, button => 'left',
                clickCount => $count }, $self->{session});
        }
    }

    $browser->answer($_, 'a click') for @sent;
}


# Replaces what stands in a field.

sub type {
    my ($self, $selector, $text) = @_;

    $self->click($selector);
    $self->value('document.activeElement.select()');
    $self->keys($text);
}


# Text at the focus.

sub keys {
    my ($self, $text) = @_;
    $self->call('Input.insertText', { text => $text });
}


# Keys by name, one after another; Shift+Tab is with Shift.

sub press {
    my ($self, @names) = @_;

    for my $name (@names) {
        my ($shift, $key) = $name =~ /^(Shift\+)?(\w+)$/;
        my $known = $keys{$key} or die "no key $key";

        $self->call('Input.dispatchKeyEvent', {
            key => $key, %$known, modifiers => $shift ? 8 : 0,
            type => $known->{text} ? 'keyDown' : 'rawKeyDown' });
        $self->call('Input.dispatchKeyEvent', {
            key => $known->{key} // $key, code => $known->{code},
            type => 'keyUp',
            windowsVirtualKeyCode => $known->{windowsVirtualKeyCode},
            modifiers => $shift ? 8 : 0 });
    }
}


sub choose_files {
    my ($self, $selector, @files) = @_;
    $self->call('DOM.setFileInputFiles',
                { nodeId => $self->node($selector), files => \@files });
}


1;
