package Intake::Platforms;

# Copyright (C) nginx-intake contributors

# How each platform of conf/intake/platforms.conf signs, by the table of facts
# in Intake::Platforms::Table.
#
#     my $platforms = Intake::Platforms->new($t);
#     $platforms->conf('github')         lines of the source, with its secret
#     $platforms->write_conf(\@names)    an nginx.conf with these sources
#     $platforms->request('github', %change)
#                                        a signed delivery: { method, uri,
#                                        body, headers }

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);

use Intake::Platforms::Table;


my $form = 'application/x-www-form-urlencoded';
my $base = 'https://example.com';
my %rows = %Intake::Platforms::Table::rows;


sub new {
    my ($class, $t) = @_;
    return bless { t => $t, keys => {} }, $class;
}


sub names { sort keys %rows }
sub row { $rows{$_[1]} }


# A pair of keys of a kind, made when first asked for.

sub key {
    my ($self, $kind) = @_;
    my %options = (ed25519 => '-algorithm ed25519',
                   ec => '-algorithm EC -pkeyopt ec_paramgen_curve:P-256',
                   rsa => '-algorithm RSA -pkeyopt rsa_keygen_bits:2048');
    my ($type) = $kind =~ /^(\w+?)(?:-other)?$/;

    return $self->{keys}{$kind} //= do {
        my $path = $self->{t}->path("$kind.key");

        system("openssl genpkey $options{$type} -out $path 2>/dev/null") == 0
            or die 'openssl genpkey';
        $path;
    };
}


# What the source is told: raw bytes in hex or base64, or PEM.

sub public_key {
    my ($self, $kind, $encoding) = @_;
    my $path = $self->key($kind);
    my $der = qx(openssl pkey -in $path -pubout -outform DER);
    my $pem = qx(openssl pkey -in $path -pubout);

    return unpack 'H*', substr $der, -32 if $encoding eq 'hex';
    return 'whpk_' . encode_base64(substr($der, -32), '')
        if $encoding eq 'whpk';
    return encode_base64($der, '') if $encoding eq 'base64';
    return $pem =~ s/(BEGIN|END) PUBLIC/$1 RSA PUBLIC/gr
        if $encoding eq 'pem-rsa';
    return $pem unless $encoding eq 'certificate';

    return scalar qx(openssl req -new -x509 -key $path -subj /CN=x -days 30);
}


# The lines of a source: platform, secret, and what the row adds.

sub conf {
    my ($self, $name) = @_;
    my $row = $rows{$name};
    my $secret = $row->{secret} // 's3cret';

    $secret = $self->public_key(@$secret) if ref $secret;
    $self->{t}->write_file("secret/$name", $secret, 0600);

    return join '', map { "        $_\n" } "platform $name;",
                    "secret file:secret/$name;", "url_base $base;",
                    $row->{conf} // ();
}


# A source and a location for each name.  source: more lines of each source,
# server: of the server.

sub write_conf {
    my ($self, $names, %opt) = @_;
    my ($more, $server) = map { $_ // '' } @opt{qw(source server)};

    my $sources = join '', map {
        "    intake_source $_ {\n" . $self->conf($_) . "$more    }\n"
    } @$names;
    my $locations = join '', map {
        "        location = /$_ { intake $_; }\n" } @$names;

    $self->{t}->write_file_expand('nginx.conf', <<"EOC");
%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    include %%PLATFORMS%%;

    intake_redis {
        server %%REDIS%%;
    }

$sources
    server {
        listen  127.0.0.1:%%PORT_0%%;

$locations$server    }
}
EOC
}


# change: method, uri, query, body, headers, time (s), secret; wrong => 1 for
# another secret, unsigned => 1 for none.

sub request {
    my ($self, $name, %change) = @_;
    my $row = $rows{$name};
    my $secret = $row->{secret} // 's3cret';
    my %r = (method => $row->{method} // 'POST', uri => "/$name",
             query => $row->{query}, body => $row->{body},
             headers => $row->{headers} // [], time => time(), %change);

    $r{uri} .= "?$r{query}" if defined $r{query};
    $r{body} //= '';
    $r{url} = "$base$r{uri}";

    if (ref $secret) {
        my $kind = $secret->[0] . ($r{wrong} ? '-other' : '');
        $r{openssl} = sub { $self->openssl($kind, @_) };
    } else {
        $r{secret} = $r{wrong} ? other($secret) : $secret;
    }

    my @signed = $r{unsigned} ? () : $row->{sign}->(\%r);
    my @type = $row->{form} && !$change{headers} ? ('Content-Type' => $form)
                                                 : ();

    $r{headers} = [@signed, @type, @{$r{headers}}];
    delete $r{body} if $r{method} =~ /^(GET|HEAD|OPTIONS)$/;

    return \%r;
}


# A secret of the same shape.

sub other {
    my ($secret) = @_;

    return "$1:other" if $secret =~ /^(\w+):/;
    return $1 . encode_base64('another key of the same kind', '')
        if $secret =~ /^(whsec_|)[A-Za-z0-9+\/]{8,}=*$/;

    return 'another';
}


sub openssl {
    my ($self, $kind, $message) = @_;
    my $key = $self->key($kind);
    my $file = $self->{t}->write_file('message', $message);
    my $command = $kind =~ /^ed25519/
        ? "openssl pkeyutl -sign -inkey $key -rawin -in $file"
        : "openssl dgst -sha256 -sign $key $file";

    return scalar qx($command);
}


1;
