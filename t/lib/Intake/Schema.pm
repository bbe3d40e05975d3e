package Intake::Schema;

# Copyright (C) nginx-intake contributors

# Whether JSON is as docs/status.schema.json says, by python3-jsonschema.
#
#     my $schema = Intake::Schema->new();
#     is($schema->complains($text), '', 'valid');

use strict;
use warnings;

use File::Temp ();

use Intake::Test;

my $validate = <<'E_';
import json, sys
from jsonschema import Draft202012Validator as Validator
schema = json.load(open(sys.argv[1]))
Validator.check_schema(schema)
for e in Validator(schema).iter_errors(json.load(open(sys.argv[2]))):
    print('/'.join(map(str, e.absolute_path)), e.message[:200], sep=': ')
E_


sub new { bless { file => Intake::Test::root()
                          . '/docs/status.schema.json' }, $_[0] }


sub complains {
    my ($self, $text) = @_;
    my $file = File::Temp->new();

    print $file $text;
    $file->flush();

    open my $out, '-|', 'python3', '-c', $validate, $self->{file}, "$file"
        or die "python3: $!";
    local $/;
    my $said = <$out> // '';
    close $out or die "python3-jsonschema is needed\n";

    return $said;
}


1;
