#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# intake_calendar, and sla, tier and escalate of a source: what is taken, and
# what is said to the rest.

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
    intake_platform p { algorithm none; message inbound conversation=json:c; }
    intake_platform silent {
        algorithm none;
        message outbound conversation=json:c;
    }
    map $http_x_tier $tier { default $http_x_tier; }
    include  sla.conf;
}
EOC


sub check {
    my ($conf) = @_;

    $t->write_file('sla.conf', $conf);

    my ($code, $output) = $t->test_config($main);

    my @said = $output =~ /^nginx: \[(?:emerg|warn)\] (.*)/mg;
    s{ in \Q$t->{dir}\E/([^ ]+)$}{ in $1}, s{\Q$t->{dir}\E/}{}g for @said;

    return ($code, grep { !/nothing reports replies/ } @said);
}


sub calendar { "intake_calendar office {\n$_[0]\n}\n" }

sub source { "intake_source s {\nplatform p;\n$_[0]\n}\n" }


sub taken {
    my ($conf, $name) = @_;
    my ($code, @said) = check($conf);

    is_deeply([$code, @said], [0], $name // $conf =~ s/\s+/ /gr);
}


sub refused {
    my ($conf, $like, $name) = @_;
    my ($code, @said) = check($conf);

    is($code, 1, $name // $conf =~ s/\s+/ /gr);
    like(join("\n", @said), $like, 'says why');
}


sub warned {
    my ($conf, $like) = @_;
    my ($code, @said) = check($conf);

    is($code, 0, $conf =~ s/\s+/ /gr);
    is(@said, 1, 'one warning');
    like("@said", $like, 'which says why');
}


my $zone = "timezone Europe/Berlin;\n";

taken(calendar($zone));
taken(calendar("timezone UTC;\nhours mon-fri 09:00-17:00;"));
taken(calendar("${zone}hours mon-fri 09:00-12:00 13:00-17:00;\n"
               . "hours sat,sun 22:00-06:00;\nstaffed mon 09:00-10:00;\n"
               . "closed 2026-12-25 \"Christmas\";\n"
               . "closed 2026-12-27..2026-12-31;\n"
               . "closed 2026-11-01 12:00-24:00 \"half a day\";\n"
               . "closed 2026-11-02 12:00-24:00;\n"
               . "open 2026-12-24 09:00-12:00 13:00-14:00;\n"
               . "weekend_weight 0.5;"));

refused(calendar('hours mon 09:00-17:00;'),
        qr/no "timezone" in intake_calendar "office".* in sla\.conf:1/);
refused(calendar('timezone Mars/Base;'), qr/unknown timezone "Mars\/Base"/);
refused(calendar('timezone /etc/passwd;'), qr/is no timezone/);
refused(calendar('timezone ../../../etc/passwd;'), qr/is no timezone/);
refused(calendar('timezone zone.tab;'), qr/is no timezone/);
refused(calendar("${zone}hours monday 09:00-17:00;"),
        qr/"hours" in intake_calendar "office" must begin with days.*:3/);
refused(calendar("${zone}hours mon 9-17;"), qr/must have times such as/);
refused(calendar("${zone}hours mon 09:00-17:00 16:00-18:00;"), qr/overlap/);
refused(calendar("${zone}hours mon 09:00-17:00;\nhours mon 10:00-11:00;"),
        qr/overlap.*:4/);
refused(calendar("${zone}closed 25.12.2026;"), qr/must begin with a date/);
refused(calendar("${zone}closed 2026-12-25 noon Christmas;"),
        qr/takes a date, times/);
refused(calendar("${zone}closed 2026-12-24 $_;"), qr/takes a date, times/)
    for '9:00-12:00', '12:00-25:00', '9-12', '12:00-13:00 9-10',
        '12:00-13:00 9-10 Eve', '12:00-13:00 Eve 14:00-15:00';
taken(calendar("${zone}closed 2026-12-24 $_;"))
    for '12:00-13:00 14:00-15:00', '12:00-13:00 14:00-15:00 Eve', '"24 Eve"';
refused(calendar("${zone}open 2026-12-24;"), qr/at least 2/);
refused(calendar("${zone}open 2026-12-24 09:00-12:00 11:00-13:00;"),
        qr/overlap/);
refused(calendar("${zone}weekend_weight 2;"), qr/from 0 to 1/);
refused(calendar("${zone}weekend 2;"),
        qr/unknown directive "weekend"/);
refused(calendar("${zone}hour mon 09:00-17:00;"),
        qr/did you mean "hours"/);
refused(calendar("${zone}hours mon 09:00-09:00;"), qr/must have times/);
refused(calendar($zone) . calendar($zone),
        qr/duplicate intake_calendar "office": the first is in/);
refused("intake_calendar Office {\n$zone\n}\n", qr/invalid name "Office"/);
refused(calendar("${zone}hours mon 09:00-17:00;\nweekend_weight 0;\n"
                 . "closed 1970-01-01..2099-12-31;"), qr/never opens/);
warned(calendar("${zone}hours mon 09:00-17:00;\nweekend_weight 0.5;"),
       qr/"weekend_weight".*does nothing.* in sla\.conf:1$/);

$t->write_file('holidays.txt', "# of 2026\n2026-12-25 Christmas\n"
               . "2026-12-24 12:00-24:00 Christmas Eve\n");
taken(calendar("${zone}holidays holidays.txt;"));
$t->write_file('holidays.txt', "2026-12-25 Christmas\n2026-13-25 No\n");
refused(calendar("${zone}holidays holidays.txt;"),
        qr/line 2 of "holidays\.txt" must be/);

for ('9:00-12:00 Eve', '9-12 Eve', '12:00-13:00 14:00-15:00 Eve') {
    $t->write_file('holidays.txt', "2026-12-24 $_\n");
    refused(calendar("${zone}holidays holidays.txt;"),
            qr/line 1 of "holidays\.txt" must be/);
}

refused(calendar("${zone}holidays none.txt;"), qr/none\.txt" failed/);

taken(source('sla first=30m;'));
taken(source('sla first=0 next=0;'));
taken(calendar($zone) . source('sla first=30m next=4h objective=95% '
      . 'at_risk=80% calendar=office out_of_hours=8h skew=2m forget=30d;'
      . "\nescalate after=1h name=manager;\nescalate after=30m name=lead;"));
taken(source("sla first=1h;\nsla tier=gold first=10m;\ntier \$tier;\n"
             . "escalate after=20m name=manager tier=gold;"));
taken(source('sla first=30m calendar=office;') . calendar($zone),
      'a calendar that is defined later');

refused(source('sla next=1h;'), qr/must have first=T/);
refused(source('sla first=soon;'), qr/must have a time as first=T/);
refused(source("sla first=1h;\nsla tier=gold first=1h $_=3651d;\ntier \$tier;"),
        qr/$_=T, such as $_=\d\w+, 3650d at most in sla\.conf:4$/)
    for qw(next out_of_hours skew forget);
refused(source("sla first=$_;"), qr/must have a time as first=.*3650d at most/)
    for '3651d', '3650d1ms', '9000000000s', '10675199d';
refused(source("sla first=1h;\nescalate after=3651d name=m;"),
        qr/must have a time as after=.*, 3650d at most/);
taken(source("sla first=3650d next=3650d out_of_hours=3650d skew=3650d "
             . "forget=3650d;\n"
             . 'escalate after=3650d name=m;'));
refused(source('sla first=1h objective=100%;'), qr/below 100%/);
refused(source('sla first=1h objective=90;'), qr/objective=N%/);
refused(source('sla first=1h at_risk=0%;'), qr/at_risk=N%/);
refused(source('sla first=1h forget=0;'), qr/forget=T/);
refused(source('sla first=1h goal=3;'), qr/takes tier=, first=/);
refused(source('sla first=1h tier=Gold;'), qr/must have a tier=NAME/);
refused(source('sla first=1h calendar=ofice;') . calendar($zone),
        qr/unknown calendar "ofice", did you mean "office"\?.*:3/);
refused(source('sla first=1h calendar=office;'),
        qr/unknown calendar "office": write "intake_calendar office/);
refused(source("sla first=1h;\nsla first=2h;"),
        qr/is there already for this tier/);
refused(source("sla first=1h;\nsla tier=gold first=10m;"),
        qr/nothing says which tier/);
refused(source('sla tier=gold first=10m;'), qr/write one without/);
refused(source(join "\n", 'sla first=1h;',
               map { "sla tier=t$_ first=1h;" } 1 .. 4), qr/four times/);
refused(source("sla first=1h;\ntier gold;"), qr/must be a variable/);
refused(source('tier $tier;'), qr/write "sla first=T;"/);
refused(source("sla first=1h;\nescalate after=1h manager;"),
        qr/takes after=T, name=NAME/);
refused(source("sla first=1h;\nescalate name=manager after=x;"),
        qr/must have a time as after=T/);
refused(source("sla first=1h;\nescalate after=1h tier=gold;"),
        qr/must have after=T and name=NAME/);
refused(source("sla first=1h;\nescalate after=1h name=m tier=gold;"),
        qr/no tier "gold".*:4/);
refused(source("sla first=1h;\nescalate after=1h name=m;\n"
               . 'escalate after=2h name=m;'), qr/two steps "m"/);

warned(source('sla first=1h objective=80%;'),
       qr/IntakeSlaBurnFast can never fire.* in sla\.conf:3$/);

warned(source('sla first=1h;') =~ s/platform p;/platform silent;/r,
       qr/no delivery of platform "silent" starts a clock: write .* sla\.conf/);

$t->write_file('sla.conf', source('sla first=1h;'));

my ($code, $output) = $t->test_config($main);

is($code, 0, 'clocks that nothing stops');
like($output, qr/\[warn\] "sla" in intake_source "s", but nothing reports /,
     'are warned of');

$t->finish();
