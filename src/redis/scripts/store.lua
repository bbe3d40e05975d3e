--
-- Copyright (C) nginx-intake contributors
--
-- Stores deliveries of one source in a stream, each of them once.
--
-- Parts: deliver
--
-- A call carries 1 to 64 deliveries, so that those of one turn of the event
-- loop share the cost of entering Lua.  It runs on Redis 6.2 and newer and on
-- Valkey, alone or in a cluster: every key is in KEYS and the keys of a call
-- share a hash tag.  Commands used: GET MGET XADD SET; TIME for the age of a
-- hit; TIME and XTRIM if the entries have an age.
--
-- KEYS[1]   the stream; then each delivery's keys in order, by its KIND:
--
--   k       one key that stands for the event: a signed id, the digest of a
--           body or of a form, or an unsigned id whose body is empty
--   u       two keys: the unsigned id's, then the body digest's
--   n       two keys: the digest of a form, as k's, then one that stands for
--           the sending of it (a token's nonce and the content) with a time
--           to live of its own: a hit of it is a duplicate whatever its age
--   o       one key, the delivery's own; it has no duplicates, only resends
--
--           With on_duplicate mark, k, u and n have the delivery's own key as
--           one more, the last.
--
-- ARGV[1]   maxlen of the stream, approximate; 0: none
-- ARGV[2]   age in ms that an entry may reach, exact; 0: none
-- ARGV[3]   window in ms within which an event is a duplicate
-- ARGV[4]   time to live in ms of the other keys, at least 1
-- ARGV[5]   time to live in ms of own keys, at least 1
-- ARGV[6]   time to live in ms of the second keys of n, at least 1
-- ARGV[7]   on_duplicate: drop or mark
-- ARGV[8]   1 if WAIT or WAITAOF follows, else 0.  They cover the writes of
--           their connection only, so with 1 a delivery that is not stored
--           writes the key that knew it again, as it was
-- ARGV[9]   1 if these are replayed: they have waited since their recordedtime
-- ARGV[10]  the field source
--
--           Then 15 for each delivery; but KIND they are fields of the entry,
--           and an empty one, data excepted, is left out:
--
--           KIND id type time datacontenttype subject recordedtime intakekey
--           intakeverify intakekeyid intakeip intakeheaders intakespam
--           intakefiles data
--
-- The value of a key is "ENTRY RECORDEDTIME ID".  A hit with the delivery's
-- own recordedtime and id, of whatever age, is this delivery, sent or replayed
-- again, and is answered as it was (but a reused id as new, once the id's key
-- has gone).  Another that is younger than the window is the first of a
-- duplicate.  An older one and a value that reads otherwise are no hit: the
-- delivery is stored, its key written.
--
-- Its age is that of ENTRY by the server's time, whichever clock an nginx has.
-- What is replayed may have waited for longer than the window, so it is also a
-- duplicate if the time from the first's RECORDEDTIME to its own is less, or if
-- it came before that first: that a copy was faster does not make two of it.
-- Either is enough, as the clock of an nginx may have been set meanwhile.
--
-- Keys are written after their entry.  Nothing is rolled back, and a key
-- without an entry would turn the sender's retry into a duplicate of nothing.
--
-- The reply has one element for each delivery, in order:
--
--   ENTRY              stored
--   {0, ENTRY, TEXT}   stored, but a key was not written; the error's text
--   {1, ENTRY, ID}     a duplicate, not stored; entry and id of the first
--   {2, ENTRY}         a duplicate, stored with intakedup
--   {3, ENTRY}         an unsigned id with another body, stored with intakedup
--   {-1, TEXT}         not stored, or not written again; the error's text
--
-- and one more, the error's text, if the age could not be applied.  Each
-- delivery has its own error, so that a duplicate is answered even where Redis
-- stores nothing.  An error instead of the array: nothing was stored.
--


local c, reply = deliveries(between, judge, compose, remember), {}

for a = 11, #ARGV, 15 do
    reply[#reply + 1] = deliver(c, a)
end

return finish(c, reply)
