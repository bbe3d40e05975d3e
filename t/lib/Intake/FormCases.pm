package Intake::FormCases;

# Copyright (C) nginx-intake contributors

# The cases of data/forms as a server meets them: bytes to send, and what is
# to become of them.
#
#     for my $case (form_cases()) {
#         $case->{name}, $case->{body}, $case->{headers};   # pairs
#         $case->{stored}{status}, {code}, {fields};        # without uploads
#         $case->{kept}{status}, {code}, {fields}, {files}; # with them
#     }
#
# fields is what parse_data() makes of the `data` of the entry: [[NAME,
# [VALUE...]]...], in the order in which the names first come.

use strict;
use warnings;

use Encode qw(encode);
use Exporter qw(import);
use JSON::PP;
use MIME::Base64 qw(decode_base64);

our @EXPORT = qw(form_cases email_cases parse_data safe_name);


my $folder = __FILE__ =~ s{lib/Intake/FormCases\.pm$}{data/forms}r;

my %errors = (
    unsupported_media_type => [415, 'UNSUPPORTED_MEDIA_TYPE'],
    unsupported_content_encoding => [415, 'UNSUPPORTED_CONTENT_ENCODING'],
    too_many_fields => [413, 'TOO_MANY_FIELDS'],
    too_many_files => [413, 'TOO_MANY_FILES'],
    file_too_large => [413, 'FILES_TOO_BIG'],
    map({ $_ => [413, 'TOO_LARGE'] }
        qw(too_large value_too_large name_too_long header_too_large)),
);

# fields that are words for the server, and fields that become headers

my $words = qr/^(?:_(?!subject$|replyto$).*|bot-field|botcheck|redirect
               |(?:cf-turnstile|[hg]-(?:re)?captcha|frc-captcha)-response
               |mcaptcha__token|altcha)$/xs;
my $headers = qr/^(?:_?subject|_?replyto|email)$/;

my $control = qr/[\x00-\x1f\x7f-\x9f\x{2028}\x{2029}]/;


sub read_cases {
    my ($name) = @_;

    open my $fh, '<:raw', "$folder/$name" or die "$folder/$name: $!\n";
    local $/;
    return @{decode_json(scalar <$fh>)};
}


sub form_cases { map { form_case($_) } read_cases('cases.json') }


sub form_case {
    my ($case) = @_;
    my $type = $case->{content_type};
    my %headers = %{$case->{headers} || {}};

    return {
        name => $case->{name},
        body => body($case),
        headers => [
            (defined $type ? ('Content-Type' => encode('latin1', $type)) : ()),
            map { $_ => $headers{$_} } sort keys %headers ],
        stored => outcome($case->{expect}, 0),
        kept => outcome($case->{expect}, 1),
    };
}


sub body {
    my ($case) = @_;

    return encode('UTF-8', $case->{body}) if defined $case->{body};
    return decode_base64($case->{body_base64}) if defined $case->{body_base64};

    return join '', map { decode_base64($_->{base64}) x ($_->{repeat} // 1) }
        @{$case->{body_parts}};
}


sub outcome {
    my ($expect, $uploads) = @_;

    if (my $error = $expect->{error}) {
        my ($status, $code) = @{$errors{$error} || [400, 'MALFORMED']};
        return { status => $status, code => $code };
    }

    my @files = grep { $_->{name} ne ''
                       && ($_->{filename} ne '' || $_->{size}) }
                @{$expect->{files} || []};

    return { status => 422, code => 'NO_FILE_UPLOADS' }
        if @files && !$uploads;

    my @fields = grep { $_->[0] ne '' && $_->[0] !~ $words }
                 @{$expect->{fields}};

    return { status => 422, code => 'EMPTY' }
        unless @files || grep { $_->[1] ne '' } @fields;

    return { status => 422, code => 'VALIDATION_FAILED' }
        if grep { $_->[0] =~ $headers && $_->[1] =~ $control } @fields;

    return { status => 200, code => '', fields => stored(@fields),
             files => \@files };
}


# what is stored of names and values: each name once, and text of lines

sub stored {
    my (@names, %values);

    for my $field (@_) {
        my ($name, $value) = @$field;

        push @names, $name unless $values{$name};
        push @{$values{$name}}, $value =~ s/\r\n?/\n/gr
            =~ s/[\x00-\x08\x0b-\x1f\x7f-\x9f]/\x{fffd}/gr;
    }

    return [map { [$_, $values{$_}] } @names];
}


sub email_cases {
    return map {
        my $generator = $_->{value_generator};

        +{ %$_, $generator
           ? (value => $generator->{repeat} x $generator->{times}) : () };
    } read_cases('email-cases.json');
}


# the name of a file without what could harm anybody

sub safe_name {
    my ($name) = @_;

    $name =~ s{^.*[/\\]}{}s;
    $name =~ s/$control|[\x{61c}\x{200e}\x{200f}]//g;
    $name =~ s/[\x{202a}-\x{202e}\x{2066}-\x{2069}]//g;

    return $name =~ /^\.{0,2}$/ ? 'file' : $name;
}


sub parse_data {
    my ($data) = @_;
    my $values = decode_json($data);
    my @names;

    # quotes within strings are escaped: these are whole strings

    while ($data =~ /"((?:[^"\\]++|\\.)*+)"(:?)/gs) {
        push @names, decode_json("[\"$1\"]")->[0] if $2;
    }

    return [map { [$_, $values->{$_}] } @names];
}


1;
