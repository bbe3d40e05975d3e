package Intake::Certificates;

# Copyright (C) nginx-intake contributors

# Certificates of authorities of a test's own, in its folder.
#
#     my $certs = Intake::Certificates->new($t);
#     $certs->authority('ca');
#     $certs->certificate('server', 'ca', 'DNS:redis.test,IP:127.0.0.1');
#     $certs->path('server.crt'), $certs->path('server.key')
#
# options() are those of a redis-server with one of them.

use strict;
use warnings;

use Test::More ();


sub new {
    my ($class, $t) = @_;
    return bless { t => $t, dir => $t->dir() }, $class;
}


sub path { "$_[0]{dir}/$_[1]" }


sub openssl {
    my ($self, @args) = @_;
    my $said = qx(cd $self->{dir} && openssl @args 2>&1);

    $? == 0 or Test::More::BAIL_OUT("openssl @args: $said");
}


sub authority {
    my ($self, $name) = @_;

    $self->openssl("req -x509 -newkey rsa:2048 -nodes -days 30",
                   "-keyout $name.key -out $name.crt -subj /CN=$name");
}


# Signed by $ca; $names is a subjectAltName, '' that of a client.

sub certificate {
    my ($self, $name, $ca, $names) = @_;

    $self->request($name);
    $self->{t}->write_file("$name.ext",
                           $names ? "subjectAltName=$names\n"
                                  : "basicConstraints=CA:FALSE\n");
    $self->openssl("x509 -req -in $name.csr -CA $ca.crt -CAkey $ca.key",
                   "-CAcreateserial -out $name.crt -extfile $name.ext",
                   "-days 30");
}


sub request {
    my ($self, $name) = @_;

    $self->openssl("req -newkey rsa:2048 -nodes -keyout $name.key",
                   "-out $name.csr -subj /CN=$name");
}


# As that of $like, of a month that is over.  `x509 -req` has no dates, `ca`
# has.

sub expired {
    my ($self, $name, $ca, $like) = @_;

    $self->{t}->write_file('ca.cnf', <<"EOC");
[ca]
default_ca = own

[own]
database = $self->{dir}/index.txt
new_certs_dir = $self->{dir}
rand_serial = yes
default_md = sha256
policy = any

[any]
commonName = supplied
EOC
    $self->{t}->write_file('index.txt', '');
    $self->request($name);
    $self->openssl("ca -batch -config ca.cnf -cert $ca.crt -keyfile $ca.key",
                   "-in $name.csr -out $name.crt -notext",
                   '-startdate 20200101000000Z -enddate 20200201000000Z',
                   "-extfile $like.ext");
}


sub options {
    my ($self, $name, $ca, $clients) = @_;

    return ('tls-cert-file' => $self->path("$name.crt"),
            'tls-key-file' => $self->path("$name.key"),
            'tls-ca-cert-file' => $self->path("$ca.crt"),
            'tls-auth-clients' => $clients // 'no');
}


1;
