#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# conf/calendars/ics2holidays: from iCalendar to lines for "holidays FILE".

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp qw(tempdir);
use Test::More;

use Intake::File qw(slurp spew);


my $program = "$FindBin::Bin/../conf/calendars/ics2holidays";
my $dir = tempdir(CLEANUP => 1);

plan(skip_all => 'python3-icalendar is not installed')
    if system('/usr/bin/python3 -c "import icalendar, dateutil" 2> /dev/null');


# Lines end as RFC 5545 wants it.

sub calendar {
    my ($text) = @_;

    $text = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//\n${text}"
        . "END:VCALENDAR\n";

    return $text =~ s/\n/\r\n/gr;
}


my $uid = 0;

sub event {
    my ($text) = @_;

    $uid++;
    $text = "UID:$uid\n$text" if $text !~ /^UID:/m;

    return "BEGIN:VEVENT\nDTSTAMP:20240101T000000Z\n${text}END:VEVENT\n";
}


# What is printed for the text of a file, standard error, and the status.

sub run {
    my ($text, @args) = @_;

    spew("$dir/in.ics", $text);

    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        open STDIN, '<', "$dir/in.ics" or die;
        open STDOUT, '>', "$dir/out" or die;
        open STDERR, '>', "$dir/err" or die;
        exec '/usr/bin/python3', $program, @args or die;
    }

    waitpid $pid, 0;

    my $status = $? >> 8;

    return ((map { slurp("$dir/$_") // '' } qw(out err)), $status);
}


sub lines {
    my ($name, $text, $expected, @args) = @_;
    my ($out, $err, $status) = run(calendar($text), @args);

    is($out, $expected, $name);
    is("$status$err", '0', "$name: no errors") if "$status$err" ne '0';
}


lines('an empty calendar', '', '');

lines('a date', event(<<'E'), "2024-12-25 Christmas Day\n");
DTSTART;VALUE=DATE:20241225
SUMMARY:Christmas Day
E

lines('several dates, the end is not one of them', event(<<'E'), <<'E');
DTSTART;VALUE=DATE:20241224
DTEND;VALUE=DATE:20241227
SUMMARY:Company closed
E
2024-12-24 Company closed
2024-12-25 Company closed
2024-12-26 Company closed
E

lines('a duration', event(<<'E'), "2024-12-31 Days\n2025-01-01 Days\n");
DTSTART;VALUE=DATE:20241231
DURATION:P2D
SUMMARY:Days
E

lines('an end that is the beginning', event(<<'E'), "2024-12-31 Day\n");
DTSTART;VALUE=DATE:20241231
DTEND;VALUE=DATE:20241231
SUMMARY:Day
E

lines('folded lines, escapes and other spaces',
      event("DTSTART;VALUE=DATE:20241225\nSUMMARY:Weihn\xc3\n \xa4chten\\, "
            . "first\\ndate  and\n  more\n"),
      "2024-12-25 Weihn\xc3\xa4chten, first date and more\n");

lines('no name', event("DTSTART;VALUE=DATE:20241225\n"),
      "2024-12-25 (no name)\n");

lines('a name that looks like times', event(<<'E'), <<'E');
DTSTART;VALUE=DATE:20241225
SUMMARY:09:00-12:00 brunch
E
2024-12-25 00:00-24:00 09:00-12:00 brunch
E

lines('every year', event(<<'E'), <<'E', qw(--from 2023 --to 2025));
DTSTART;VALUE=DATE:20000101
RRULE:FREQ=YEARLY
SUMMARY:New Year
E
2023-01-01 New Year
2024-01-01 New Year
2025-01-01 New Year
E

lines('an occurrence that began in the year before',
      event(<<'E'), "2024-01-01 Turn\n", qw(--from 2024 --to 2024));
DTSTART;VALUE=DATE:20201231
DTEND;VALUE=DATE:20210102
RRULE:FREQ=YEARLY;UNTIL=20231231
SUMMARY:Turn
E

lines('the fourth Thursday and the last Monday',
      event(<<'E') . event(<<'E'), <<'E', qw(--from 2024 --to 2025));
DTSTART;VALUE=DATE:20001123
RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH
SUMMARY:Thanksgiving
E
DTSTART;VALUE=DATE:20000529
RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO
SUMMARY:Memorial Day
E
2024-05-27 Memorial Day
2024-11-28 Thanksgiving
2025-05-26 Memorial Day
2025-11-27 Thanksgiving
E

lines('COUNT, UNTIL and INTERVAL',
      event(<<'E') . event(<<'E') . event(<<'E'), <<'E');
DTSTART;VALUE=DATE:20240101
DTEND;VALUE=DATE:20240103
RRULE:FREQ=YEARLY;COUNT=2
SUMMARY:A
E
DTSTART;VALUE=DATE:20240110
RRULE:FREQ=WEEKLY;UNTIL=20240124
SUMMARY:B
E
DTSTART;VALUE=DATE:20240229
RRULE:FREQ=YEARLY;INTERVAL=4;UNTIL=20280301T000000Z
SUMMARY:C
E
2024-01-01 A
2024-01-02 A
2024-01-10 B
2024-01-17 B
2024-01-24 B
2024-02-29 C
2025-01-01 A
2025-01-02 A
2028-02-29 C
E

lines('EXDATE and RDATE', event(<<'E'), <<'E');
DTSTART;VALUE=DATE:20240110
RRULE:FREQ=WEEKLY;COUNT=4
EXDATE;VALUE=DATE:20240117
EXDATE;VALUE=DATE:20240131,20240207
RDATE;VALUE=DATE:20240501,20240502
SUMMARY:Day
E
2024-01-10 Day
2024-01-24 Day
2024-05-01 Day
2024-05-02 Day
E

lines('RDATE with periods, EXDATE with a date',
      event(<<'E'), <<'E', qw(--timezone UTC));
DTSTART:20240110T100000Z
DTEND:20240110T110000Z
RRULE:FREQ=DAILY;COUNT=3
EXDATE;VALUE=DATE:20240111
RDATE;VALUE=PERIOD:20240201T100000Z/PT2H,20240202T100000Z/20240202T123000Z
SUMMARY:Hours
E
2024-01-10 10:00-11:00 Hours
2024-01-12 10:00-11:00 Hours
2024-02-01 10:00-12:00 Hours
2024-02-02 10:00-12:30 Hours
E

lines('a changed and a cancelled occurrence',
      event(<<'E') . event(<<'E') . event(<<'E'), <<'E');
UID:one
DTSTART;VALUE=DATE:20240110
RRULE:FREQ=WEEKLY;COUNT=3
SUMMARY:Day
E
UID:one
RECURRENCE-ID;VALUE=DATE:20240117
DTSTART;VALUE=DATE:20240118
SUMMARY:A day later
E
UID:one
RECURRENCE-ID;VALUE=DATE:20240124
DTSTART;VALUE=DATE:20240124
STATUS:CANCELLED
SUMMARY:Day
E
2024-01-10 Day
2024-01-18 A day later
E

lines('cancelled events', event(<<'E') . event(<<'E'), "2024-12-26 B\n");
DTSTART;VALUE=DATE:20241225
STATUS:CANCELLED
SUMMARY:A
E
DTSTART;VALUE=DATE:20241226
STATUS:CONFIRMED
SUMMARY:B
E

my $free = event(<<'E') . event(<<'E');
DTSTART;VALUE=DATE:20241225
TRANSP:TRANSPARENT
SUMMARY:Free
E
DTSTART;VALUE=DATE:20241226
TRANSP:OPAQUE
SUMMARY:Busy
E

lines('free ones', $free, "2024-12-25 Free\n2024-12-26 Busy\n");
lines('only busy ones', $free, "2024-12-26 Busy\n", '--busy');


# times

lines('floating times', event(<<'E') . event(<<'E'), <<'E');
DTSTART:20241224T120000
DTEND:20241224T150030
SUMMARY:Half a day
E
DTSTART:20241230T220000
DURATION:PT32H
SUMMARY:Night
E
2024-12-24 12:00-15:01 Half a day
2024-12-30 22:00-24:00 Night
2024-12-31 Night
2025-01-01 00:00-06:00 Night
E

my $zones = event(<<'E') . event(<<'E') . event(<<'E');
DTSTART:20240715T100000Z
DTEND:20240715T110000Z
SUMMARY:UTC
E
DTSTART;TZID=America/New_York:20240715T170000
DTEND;TZID=America/New_York:20240715T190000
SUMMARY:New York
E
DTSTART;TZID=Europe/Berlin:20240716T000000
DTEND;TZID=Europe/Berlin:20240717T000000
SUMMARY:Berlin
E

lines('times of zones', $zones, <<'E', qw(--timezone Europe/Berlin));
2024-07-15 12:00-13:00 UTC
2024-07-15 23:00-24:00 New York
2024-07-16 00:00-01:00 New York
2024-07-16 Berlin
E

lines('the hour on the wall stays when the clocks change',
      event(<<'E'), <<'E', qw(--timezone Europe/Berlin));
DTSTART;TZID=Europe/Berlin:20240324T090000
DTEND;TZID=Europe/Berlin:20240324T100000
RRULE:FREQ=WEEKLY;UNTIL=20240407T070000Z
EXDATE;TZID=Europe/Berlin:20240407T090000
SUMMARY:Meeting
E
2024-03-24 09:00-10:00 Meeting
2024-03-31 09:00-10:00 Meeting
E

lines('an UNTIL in UTC', event(<<'E'), <<'E', qw(--timezone Europe/Helsinki));
DTSTART;TZID=Europe/Berlin:20240324T090000
DTEND;TZID=Europe/Berlin:20240324T100000
RRULE:FREQ=WEEKLY;UNTIL=20240331T070000Z
SUMMARY:Meeting
E
2024-03-24 10:00-11:00 Meeting
2024-03-31 10:00-11:00 Meeting
E

lines('a zone of the file', <<'E' . event(<<'E'), <<'E', qw(--timezone UTC));
BEGIN:VTIMEZONE
TZID:Our Office
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0200
TZOFFSETTO:+0200
TZNAME:OFF
END:STANDARD
END:VTIMEZONE
E
DTSTART;TZID=Our Office:20240115T090000
DTEND;TZID=Our Office:20240115T100000
SUMMARY:There
E
2024-01-15 07:00-08:00 There
E

lines('what takes no time', event(<<'E'), '');
DTSTART:20241224T120000
SUMMARY:A moment
E


# errors

sub refused {
    my ($name, $like, $text, @args) = @_;
    my ($out, $err, $status) = run($text, @args);

    ok($out eq '' && $status != 0 && $err =~ $like && $err !~ /Traceback/,
       $name)
        or diag("$status: $err$out");
}

refused('times of a zone without --timezone', qr/--timezone/,
        calendar($zones));
refused('an unknown zone', qr/Mars/, calendar($zones),
        qw(--timezone Mars/Base));
refused('no calendar', qr/no iCalendar/, "<html>\n");
refused('nothing', qr/no iCalendar/, '');
refused('half of a calendar', qr/no iCalendar/,
        calendar(event("DTSTART;VALUE=DATE:20241225\n")) =~ s/END.*//sr);
refused('an event without a date', qr/DTSTART/,
        calendar(event("SUMMARY:Someday\n")));
refused('a bad date', qr/Christmas/,
        calendar(event("DTSTART;VALUE=DATE:20241325\nSUMMARY:Christmas\n")));
refused('a bad rule', qr/New Year/,
        calendar(event("DTSTART;VALUE=DATE:20240101\n"
                       . "RRULE:FREQ=SOMETIMES\nSUMMARY:New Year\n")));
refused('a file that is not there', qr/No such file/, '', "$dir/nothing");


# files

spew("$dir/a.ics",
     calendar(event("DTSTART;VALUE=DATE:20240101\nSUMMARY:A\n")));
spew("$dir/b.ics",
     calendar(event("DTSTART;VALUE=DATE:20240101\nSUMMARY:A\n")
              . event("DTSTART;VALUE=DATE:20230101\nSUMMARY:B\n")));
spew("$dir/c.ics", 'BEGIN');

my ($out) = run('', "$dir/a.ics", "$dir/b.ics");
is($out, "2023-01-01 B\n2024-01-01 A\n", 'two files, each line once');

run('', '-o', "$dir/holidays", "$dir/a.ics");
is(slurp("$dir/holidays"), "2024-01-01 A\n", 'into a file');

run('', '-o', "$dir/holidays", "$dir/b.ics", "$dir/c.ics");
is(slurp("$dir/holidays"), "2024-01-01 A\n", 'which stays on errors');
is_deeply([glob "$dir/.holidays*"], [], 'nothing is left behind');

done_testing();
